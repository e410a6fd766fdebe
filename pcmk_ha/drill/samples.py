"""What a watched node prints about itself, and when that was. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from pcmk_ha.drill.evidence import Sample
from pcmk_ha.model.cluster import Cluster

# bash alone: a watcher must not be a load. Time is what passed since the node's boot, for its clock may be set at any
# moment. A node with DRBD 9 has no states in /proc/drbd and is asked.
SCRIPT = r"""
export LC_ALL=C
set -f
read -r boot < /proc/sys/kernel/random/boot_id
exec 9<> <(:)
is_primary() {{
  local line lines
  mapfile -t lines < /proc/drbd
  for line in "${{lines[@]}}"; do
    case $line in
      "version: 9"*) [ "$(drbdsetup role {resource} 2>/dev/null)" = Primary ]; return ;;
      "{minor}: cs:"*ro:Primary/* | *" {minor}: cs:"*ro:Primary/*) return 0 ;;
    esac
  done
  return 1
}}
is_here() {{
  local lines
  mapfile -t lines < {addresses}
  set -- ${{lines[*]}}
  case $* in *"{address}"*) ;; *) return 1 ;; esac
}}
is_mounted() {{
  local line lines
  mapfile -t lines < /proc/mounts
  for line in "${{lines[@]}}"; do
    case $line in "/dev/drbd{minor} {mount} "*) return 0 ;; esac
  done
  return 1
}}
listens() {{
  local line lines
  mapfile -t lines < /proc/net/unix
  for line in "${{lines[@]}}"; do
    case $line in *" 00010000 "*" /run/postgresql/.s.PGSQL.{port}") return 0 ;; esac
  done
  return 1
}}
while :; do
  has=
  [ -e /proc/drbd ] && is_primary && has+=" Primary"
  is_mounted && has+=" mounted"
  is_here && has+=" VIP"
  listens && has+=" PostgreSQL"
  read -r uptime _ < /proc/uptime
  echo "$boot $uptime$has"
  read -r -t 0.15 -u 9
done
"""


@dataclass(frozen=True)
class Heard:
    """One line of a watched node, and when it came here (seconds since 1970)."""

    node: str
    boot: str
    uptime: float
    has: frozenset[str]
    came: float


def watch_script(cluster: Cluster) -> str:
    """Return what a node runs to be watched."""
    addresses, address = _place_of(cluster.vip.address)
    return SCRIPT.format(
        resource=cluster.drbd.resource, minor=cluster.drbd.minor, mount=cluster.filesystem.mount_point,
        addresses=addresses, address=address, port=cluster.postgresql.port,
    )  # fmt: skip


def _place_of(address: IPv4Address | IPv6Address) -> tuple[str, str]:
    """Return the kernel's file that lists addresses of this kind, and what it says of one that is the node's own."""
    if address.version == 4:
        return "/proc/net/fib_trie", f"|-- {address} /32 host LOCAL"
    return "/proc/net/if_inet6", address.exploded.replace(":", "")


def parse_heard(node: str, line: str, came: float) -> Heard | None:
    """Read a line; None for one that was cut short."""
    words = line.split()
    try:
        return Heard(node, words[0], float(words[1]), frozenset(words[2:]), came)
    except (IndexError, ValueError):
        return None


def place_samples(heard: Iterable[Heard]) -> Iterator[Sample]:
    """Yield one node's samples in their order, each at the latest moment it can have been taken.

    A line cannot have been taken after it came; nor later than the next one of the same boot less the time the
    node itself counted in between. So a line that was held up on its way is put back to where it belongs.
    """
    placed: list[Sample] = []
    later: Heard | None = None
    at = 0.0
    for line in reversed(list(heard)):
        same = later is not None and later.boot == line.boot
        at = min(line.came, at - (later.uptime - line.uptime)) if same and later is not None else line.came
        placed.append(Sample(line.node, line.boot, at, line.has))
        later = line
    yield from reversed(placed)


def boot_times(samples: Iterable[tuple[Heard, Sample]]) -> dict[str, float]:
    """Return when each boot began (seconds since 1970), by its id: what places a journal's monotonic times."""
    found: dict[str, float] = {}
    for line, sample in samples:
        began = sample.at - line.uptime
        found[line.boot] = min(began, found.get(line.boot, began))
    return found
