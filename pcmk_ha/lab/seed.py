"""What makes a node itself, as a tar archive the guest unpacks from its third disk on the first boot."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from pcmk_ha.lab.paths import LabPaths
from pcmk_ha.lab.patroni.files import stack_files
from pcmk_ha.lab.process import run
from pcmk_ha.lab.spec import CLUSTER_NET, PATRONI, REPLICATION_NET, LabSpec, NodeSpec

SECTOR = 512


def make_key(path: Path, comment: str) -> str:
    """Make an SSH key pair without a passphrase; returns the public key."""
    run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)))
    return path.with_name(path.name + ".pub").read_text().strip()


def write_seeds(spec: LabSpec, paths: LabPaths, ssh_ports: Mapping[str, int]) -> None:
    """Write every node's seed, and the ssh_config and known_hosts that match."""
    login = make_key(paths.key, f"lab {spec.name}")
    known, config = [], []
    for node in spec.nodes:
        public = write_seed(spec, node, paths, login, paths.seed(node.name))
        known.append(f"[127.0.0.1]:{ssh_ports[node.name]} {public}")
        config.append(_host_block(node.name, ssh_ports[node.name], paths))
    paths.known_hosts.write_text("\n".join(known) + "\n")
    paths.ssh_config.write_text("\n".join(config))


def write_seed(spec: LabSpec, node: NodeSpec, paths: LabPaths, login: str, seed: Path) -> str:
    """Write one node's seed, with a new host key; returns the public part of that."""
    host_key = paths.root / f"{node.name}.host_key"
    host_key.unlink(missing_ok=True)
    public = make_key(host_key, node.name)
    files = _files(node, host_key.read_text(), public, login)
    if spec.stack == PATRONI:
        files |= stack_files(spec, node, paths.superuser_password.read_text().strip())
    _write_tar(seed, files)
    host_key.unlink()
    return public


def _files(node: NodeSpec, host_key: str, public: str, login: str) -> dict[str, tuple[str, int]]:
    links = f"vec0={node.address}/{CLUSTER_NET.prefixlen} vec1={node.replication_address}/{REPLICATION_NET.prefixlen}"
    return {
        "etc/hostname": (f"{node.name}\n", 0o644),
        "etc/hosts": (f"127.0.0.1 localhost\n127.0.1.1 {node.name}\n", 0o644),
        "etc/lab/addresses": (f'LAB_ADDRESSES="{links}"\n', 0o644),
        "etc/ssh/ssh_host_ed25519_key": (host_key, 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (public + "\n", 0o644),
        "root/.ssh/authorized_keys": (login + "\n", 0o600),
    }


def _write_tar(path: Path, files: Mapping[str, tuple[str, int]]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, (text, mode) in files.items():
            raw = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(raw), mode
            tar.addfile(entry, io.BytesIO(raw))
    path.chmod(0o600)


def _host_block(name: str, port: int, paths: LabPaths) -> str:
    return f"""Host {name}
  HostName 127.0.0.1
  Port {port}
  User root
  IdentityFile {paths.key}
  IdentitiesOnly yes
  UserKnownHostsFile {paths.known_hosts}
  StrictHostKeyChecking yes
  ConnectTimeout 10
  ServerAliveInterval 5
  ServerAliveCountMax 3
  LogLevel ERROR
"""
