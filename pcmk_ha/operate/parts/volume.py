"""The replicated volume before Pacemaker takes it: file system, database, configuration and roles.

Each step looks first and does only what is missing, so that a run cut short anywhere is finished by the next.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from pcmk_ha.desired.values import Desired
from pcmk_ha.errors import Refused
from pcmk_ha.facts.labels import ADVICE, ask_labels, describe, parse_labels
from pcmk_ha.model.secret import Secrets
from pcmk_ha.operate.parts import drbd
from pcmk_ha.operate.parts.scram import scram_verifier
from pcmk_ha.remote.runner import Runner

# The discard of a whole replicated device goes over the network, block by block; inode tables can wait.
MKFS = {
    "ext4": ("mkfs.ext4", "-q", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1"),
    "xfs": ("mkfs.xfs", "-q", "-K"),
}
MARK = "# Parameters of pcmk-ha, over everything above"


@dataclass(frozen=True)
class Volume:
    """The volume on the node that prepares it."""

    runner: Runner
    desired: Desired
    secrets: Secrets

    @property
    def mount_point(self) -> str:
        """Where the file system is mounted."""
        return self.desired.cluster.filesystem.mount_point

    @property
    def device(self) -> str:
        """The replicated block device."""
        return f"/dev/drbd{self.desired.cluster.drbd.minor}"

    def test(self, *expression: str) -> bool:
        """Whether the node finds an expression of test to be true."""
        return self.runner.run(("test", *expression), ok=(0, 1)).status == 0

    def as_postgres(self, *argv: str, stdin: str | None = None, timeout: float = 300) -> str:
        """Run a command as the database's own user, from a folder it may read."""
        command = ("runuser", "-u", "postgres", "--", "env", "-C", "/", *argv)
        return self.runner.run(command, stdin=stdin, timeout=timeout).stdout


def prepare_volume(volume: Volume) -> None:
    """Leave a complete volume behind, not mounted, with DRBD Secondary on this node."""
    resource = volume.desired.cluster.drbd.resource
    drbd.wait_for_good_data(volume.runner, resource)
    drbd.promote(volume.runner, resource)
    _make_filesystem(volume)
    _mount(volume)
    _require_recovered(volume)
    _make_database(volume)
    _write_configuration(volume)
    _make_roles(volume)
    volume.runner.run(("umount", volume.mount_point), timeout=120)
    drbd.demote(volume.runner, resource)


def _make_filesystem(volume: Volume) -> None:
    found = volume.runner.run(("blkid", "-p", "-o", "value", "-s", "TYPE", volume.device), ok=(0, 2))
    if not found.stdout.strip():
        volume.runner.run((*MKFS[volume.desired.cluster.filesystem.type], volume.device), timeout=600)


def _mount(volume: Volume) -> None:
    if volume.runner.run(("mountpoint", "-q", volume.mount_point), ok=(0, 1, 32)).status == 0:
        return
    options = volume.desired.cluster.filesystem.options
    volume.runner.run(("mkdir", "-p", volume.mount_point))
    volume.runner.run(("mount", "-o", options, volume.device, volume.mount_point), timeout=120)


def _require_recovered(volume: Volume) -> None:
    """Refuse a base backup that somebody copied into the volume; it is left as it was found, not mounted."""
    found = parse_labels(volume.runner.run(ask_labels(volume.desired.cluster)).stdout)
    if found:
        volume.runner.run(("umount", volume.mount_point), timeout=120)
        drbd.demote(volume.runner, volume.desired.cluster.drbd.resource)
        raise Refused("; ".join(describe(volume.runner.node, path) for path in found), hint=ADVICE)


def _make_database(volume: Volume) -> None:
    """Run initdb beside its final place and move it there, so that half a database is never taken for one."""
    data = volume.desired.data_directory
    if volume.test("-e", f"{data}/PG_VERSION"):
        return
    draft = f"{data}.pcmk-ha-draft"
    parent = data.rpartition("/")[0]
    volume.runner.run(("rm", "-rf", draft))
    volume.runner.run(("install", "-d", "-o", "postgres", "-g", "postgres", "-m", "0755", parent))
    # --no-sync: the file system is unmounted, and so written out, before anything uses it.
    # Host logins are rejected until our own pg_hba.conf stands and passwords are set.
    volume.as_postgres(
        f"{volume.desired.programs}/initdb", "-D", draft, "--data-checksums", "--no-sync", "--encoding=UTF8",
        *_locale(volume.desired.postgresql_version), "--auth-local=peer", "--auth-host=reject", "-U", "postgres",
    )  # fmt: skip
    volume.runner.run(("mv", "-T", draft, data))


def _locale(version: int) -> tuple[str, ...]:
    """A collation that cannot change when one node's C library is updated before the other's."""
    return ("--locale-provider=builtin", "--locale=C.UTF-8") if version >= 17 else ("--locale=C.UTF-8",)


def _write_configuration(volume: Volume) -> None:
    for file in volume.desired.volume_files:
        volume.runner.put(file.path, file.content, mode=file.mode, owner=file.owner)
    conf = f"{volume.desired.data_directory}/postgresql.conf"
    if volume.runner.run(("grep", "-qxF", MARK, conf), ok=(0, 1)).status == 1:
        volume.runner.run(("tee", "-a", conf), stdin=f"\n{MARK}\ninclude_dir 'conf.d'\n")


def _make_roles(volume: Volume) -> None:
    """Set passwords and create what the application needs, without a server that others could reach."""
    wanted = volume.desired.cluster.postgresql
    superuser = scram_verifier(volume.secrets.superuser, os.urandom(16))
    application = scram_verifier(volume.secrets.application, os.urandom(16))
    statements = (
        f"ALTER ROLE postgres PASSWORD '{superuser}'",
        f'DO $$ BEGIN CREATE ROLE "{wanted.user}" LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$',
        f"ALTER ROLE \"{wanted.user}\" PASSWORD '{application}'",
        # Single-user mode goes on after an error: "already exists" is what a second run should see.
        f'CREATE DATABASE "{wanted.database}" OWNER "{wanted.user}"',
    )
    script = "".join(f"{statement};\n" for statement in statements)
    single = (f"{volume.desired.programs}/postgres", "--single", "-D", volume.desired.data_directory, "postgres")
    volume.runner.run(("sh", "-c", f"runuser -u postgres -- {shlex.join(single)} >/dev/null"), stdin=script)
