"""One node's packages, files and units."""

from __future__ import annotations

import re

from pcmk_ha.desired.hosts import BEGIN, END, hosts_block
from pcmk_ha.desired.names import ATTRIBUTES
from pcmk_ha.desired.values import Desired, File
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.remote.runner import Runner

WATCH = {ATTRIBUTES, "watch-peer", "device.sh"}  # what the service beside Pacemaker is made of
POLICY = "/usr/sbin/policy-rc.d"
INSTALLER = "pcmk-ha-install"
# Debian's packages start their daemons at once: a PostgreSQL on an empty default cluster, a Corosync with
# an example configuration. Forbid it while packages are installed, unless somebody else already decides. Of a run that
# a power cut ended nothing forbids any more, and the next one finishes what it began.
GUARDED = f"""set -e
if [ ! -e {POLICY} ] || grep -qs {INSTALLER} {POLICY}; then
  trap 'rm -f {POLICY}' EXIT
  printf '#!/bin/sh\n! grep -qs %s /proc/%d/cmdline || exit 101\n' {INSTALLER} $$ > {POLICY}
  chmod 755 {POLICY}
fi
install -d /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/pcmk-ha.conf
export DEBIAN_FRONTEND=noninteractive
lock='-o DPkg::Lock::Timeout=600'
dpkg --force-confold --configure -a || :  # its lock may be held: apt-get waits for that
apt-get -q $lock update
apt-get -q -y $lock --no-install-recommends -o Dpkg::Options::=--force-confold install "$@"
"""


def install_packages(runner: Runner, packages: tuple[str, ...]) -> None:
    """Install packages with none of their daemons started."""
    runner.run(("sh", "-c", GUARDED, INSTALLER, *packages), timeout=1200)


def put_file(runner: Runner, file: File) -> None:
    """Put one file in place in one step."""
    if file.encoding == "base64":
        _put_binary(runner, file)
    else:
        runner.put(file.path, file.content, mode=file.mode, owner=file.owner)


def _put_binary(runner: Runner, file: File) -> None:
    draft = f"{file.path}.base64"
    runner.put(draft, file.content, mode=0o600)
    owner, group = file.owner.split(":")
    decode = 'umask 077; base64 -d "$1" > "$2.new" && chown "$3:$4" "$2.new" && chmod "$5" "$2.new" && sync "$2.new"'
    swap = ' && mv -T "$2.new" "$2"; status=$?; rm -f "$1"; exit $status'
    argv = ("sh", "-c", decode + swap, "sh", draft, file.path, owner, group, f"{file.mode:o}")
    runner.run(argv)


def write_hosts(runner: Runner, cluster: Cluster) -> None:
    """Put our block into /etc/hosts; everything else in it stays."""
    runner.put("/etc/hosts", with_block(runner.read("/etc/hosts") or "", hosts_block(cluster)))


def with_block(text: str, block: str) -> str:
    """The text with our marked block replaced, or added at its end; an empty block takes it out."""
    pattern = re.compile(rf"^{BEGIN}.*?^{END}[^\n]*\n", re.MULTILINE | re.DOTALL)
    rest = pattern.sub("", text).rstrip("\n")
    return f"{rest}\n{block}"


def disable_units(runner: Runner, units: tuple[str, ...], *, stop: bool) -> None:
    """Keep units from starting at boot, and stop them; a unit that does not exist is none to disable."""
    for unit in units:
        runner.run(("systemctl", "disable", *(("--now",) if stop else ()), unit), ok=None, timeout=120)


def set_boot(runner: Runner, units: tuple[str, ...], *, enabled: bool) -> None:
    """Have units started at boot, or not."""
    runner.run(("systemctl", "enable" if enabled else "disable", *units), timeout=60)


def set_timer(runner: Runner, timer: str, *, enabled: bool) -> None:
    """Have systemd read the units as they are now, and run a timer, or not."""
    runner.run(("systemctl", "daemon-reload"), timeout=60)
    runner.run(("systemctl", "enable" if enabled else "disable", "--now", timer), timeout=60)


def renew_watch(runner: Runner, paths: tuple[str, ...]) -> None:
    """Have the service beside Pacemaker run what was just written, where it runs and is of it."""
    if WATCH.intersection(path.rpartition("/")[2] for path in paths):
        runner.run(("systemctl", "daemon-reload"), timeout=60)
        runner.run(("systemctl", "try-restart", ATTRIBUTES), timeout=60)


def remove_hosts(runner: Runner) -> None:
    """Take our block out of /etc/hosts."""
    runner.put("/etc/hosts", with_block(runner.read("/etc/hosts") or "", ""))


def desired_file(desired: Desired, node: str, path: str) -> File:
    """The file that should stand at `path`."""
    return next(file for file in desired.files[node] if file.path == path)
