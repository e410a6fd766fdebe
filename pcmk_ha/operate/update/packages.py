"""Installing packages on a node whose cluster is stopped, with nothing of the cluster started by them."""

from __future__ import annotations

from pcmk_ha.errors import CommandFailed
from pcmk_ha.facts.software import UNIT, UPGRADE
from pcmk_ha.operate.wait import wait_until
from pcmk_ha.remote.runner import Runner

# What the packages' own scripts would start, restart or stop: Pacemaker alone does that. Masked until the next boot or
# until we start the cluster, whichever comes first; a policy-rc.d would keep sshd from its update as well, and stay
# after a power cut.
MASKED = (
    "corosync.service", "pacemaker.service", "drbd.service", "postgresql.service", "postgresql@.service",
)  # fmt: skip
OPTIONS = (
    "-q", "-y", "-o", "DPkg::Lock::Timeout=900", "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold", "--no-remove",
)  # fmt: skip
# needrestart restarts whatever uses an old library, Corosync among it. An installation that was cut short is ended
# first. Files that were changed here stay as they are, without a question.
INSTALL = f"""set -e
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
systemctl -q mask --runtime {" ".join(MASKED)}
dpkg --force-confdef --force-confold --configure -a || :
apt-get {" ".join(OPTIONS)} --fix-broken install
apt-get {" ".join((*OPTIONS, *UPGRADE))}
"""
INSTALL_S = 2 * 3600
FETCH_S = 3600


def fetch(runner: Runner) -> None:
    """Fetch what will be installed, while the node still does its work."""
    runner.run(("apt-get", *OPTIONS, "--download-only", *UPGRADE), timeout=FETCH_S)


def install(runner: Runner) -> None:
    """Install it in a unit of its own, which goes on when we are gone; raises CommandFailed with its last words."""
    unit = ("systemd-run", f"--unit={UNIT}", "--collect", "--wait", "--quiet", "--property=TimeoutStopSec=30min")
    if runner.run((*unit, "sh", "-c", INSTALL), ok=None, timeout=INSTALL_S).status != 0:
        argv = ("journalctl", f"--unit={UNIT}", "--output=cat", "--lines=12", "--no-pager")
        said = runner.run(argv, ok=None).stdout.strip()
        hint = f"look at it on {runner.node}: journalctl -u {UNIT}; once it is mended, `pcmk-ha update` goes on"
        raise CommandFailed(f"{runner.node}: packages could not be installed: {said[-900:]}", hint=hint)


def await_installation(runner: Runner) -> None:
    """Wait until an installation that an earlier run began has ended."""
    wait_until(
        lambda: runner.run(("systemctl", "is-active", UNIT), ok=None).stdout,
        lambda state: state.strip() in ("inactive", "failed"),
        what=f"the end of the installation on {runner.node}",
        timeout_s=INSTALL_S,
        every_s=2,
        hint=f"journalctl -u {UNIT} on {runner.node}",
    )


def unmask(runner: Runner) -> None:
    """Let the cluster's units be started again."""
    runner.run(("systemctl", "-q", "unmask", "--runtime", *MASKED), timeout=60)
