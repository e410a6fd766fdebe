"""What a node runs, what its package manager would make of it, and what its next boot would start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

UNIT = "pcmk-ha-update.service"  # in which packages are installed, whoever stays connected
# The same options wherever apt-get is asked: what was foretold is what is done. Nothing is removed, ever.
UPGRADE = ("--with-new-pkgs", "upgrade")
SIMULATE = ("env", "LC_ALL=C.UTF-8", "apt-get", "-q", "--simulate", *UPGRADE)
WATCHED = ("pacemaker", "corosync", "drbd-utils")
# Lines of words. What was unpacked after the boot began is told by dpkg's list of the package's files, which it writes
# anew each time; a DRBD module that was loaded and then replaced by the two checksums of its source.
LOOK = f"""export LC_ALL=C.UTF-8
echo "running $(uname -r)"
echo "boot_id $(cat /proc/sys/kernel/random/boot_id)"
for file in /boot/vmlinuz-*; do [ ! -e "$file" ] || echo "kernel ${{file#/boot/vmlinuz-}}"; done
for folder in /lib/modules/*; do
  kernel=${{folder##*/}}
  ! modinfo -k "$kernel" -n drbd >/dev/null 2>&1 || echo "drbd $kernel $(modinfo -k "$kernel" -F version drbd)"
  [ ! -e "$folder/build" ] || echo "headers $kernel"
done
[ -z "$(dkms status drbd 2>/dev/null)" ] || echo dkms
loaded=$(cat /sys/module/drbd/srcversion 2>/dev/null)
[ -z "$loaded" ] || [ "$loaded" = "$(modinfo -F srcversion drbd 2>/dev/null)" ] || echo replaced
[ ! -e /run/reboot-required ] || echo "required $(sort -u /run/reboot-required.pkgs 2>/dev/null | xargs)"
boot=$(sed -n 's/^btime //p' /proc/stat)
find /var/lib/dpkg/info -name '*.list' -newermt "@$boot" -printf 'changed %f\\n'
dpkg-query -W -f '${{db:Status-Status}} ${{Package}}\\n' |
  sed -nE 's/^(unpacked|half-[a-z]+|triggers-[a-z]+) /unfinished /p'
for unit in corosync.service pacemaker.service {UNIT}; do echo "unit $unit $(systemctl is-active $unit)"; done
dpkg-query -W -f 'version ${{Package}} ${{Version}}\\n' {" ".join(WATCHED)} 2>/dev/null
exit 0"""
INST = re.compile(r"^Inst (?P<name>\S+)(?: \[(?P<old>[^\]]+)\])? \((?P<new>\S+)")
IMAGE = re.compile(r"^linux-image-(?:unsigned-)?(\d\S*)$")
KEPT = "The following packages have been kept back:"


@dataclass(frozen=True)
class Upgrade:
    """One package that would be brought up to date; `old` is empty for one that is new here."""

    package: str
    old: str
    new: str


@dataclass(frozen=True)
class Software:
    """One node, in one look."""

    upgrades: tuple[Upgrade, ...] = ()
    kept: tuple[str, ...] = ()  # that apt-get would not touch: held, or something would have to go
    unfinished: tuple[str, ...] = ()  # packages in the middle of an installation that was cut short
    active: frozenset[str] = frozenset()  # units, of the cluster's two and ours
    boot_id: str = ""
    running: str = ""  # kernel
    kernels: tuple[str, ...] = ()  # that a boot loader would find
    drbd: Mapping[str, str] = field(default_factory=dict)  # version of the module by kernel
    headers: frozenset[str] = frozenset()  # kernels that modules can be built for
    dkms: bool = False  # DRBD's module is built anew for each kernel
    replaced: bool = False  # the DRBD module that is loaded is not the one on the disk any more
    required: str | None = None  # what Debian's own mark says: packages that want a boot
    changed: tuple[str, ...] = ()  # packages unpacked since the boot
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_working(self) -> bool:
        """Packages are being installed at this moment, by us."""
        return UNIT in self.active

    @property
    def next_kernel(self) -> str:
        """What a boot would start now: the newest, or the present one where it comes from outside the node."""
        return newest_kernel(self.kernels) or self.running

    @property
    def new_kernels(self) -> tuple[str, ...]:
        """Kernels that the upgrades install."""
        found = (IMAGE.match(upgrade.package) for upgrade in self.upgrades if not upgrade.old)
        return tuple(match[1] for match in found if match)


def parse_upgrades(text: str) -> tuple[tuple[Upgrade, ...], tuple[str, ...]]:
    """Read what apt-get simulates: what it would install, and what it keeps back."""
    upgrades, kept, in_kept = [], [], False
    for line in text.splitlines():
        in_kept = line == KEPT or (in_kept and line.startswith("  "))
        if in_kept and line != KEPT:
            kept += line.split()
        elif match := INST.match(line):
            upgrades.append(Upgrade(match["name"], match["old"] or "", match["new"]))
    return tuple(upgrades), tuple(kept)


def parse_look(text: str, simulated: str) -> Software:
    """Read what LOOK printed, and apt-get's simulation."""
    words = [(key, rest.strip()) for key, _, rest in (line.partition(" ") for line in text.splitlines())]

    def every(key: str) -> tuple[str, ...]:
        return tuple(rest for found, rest in words if found == key)

    upgrades, kept = parse_upgrades(simulated)
    return Software(
        upgrades=upgrades,
        kept=kept,
        unfinished=every("unfinished"),
        active=frozenset(name for name, state in _pairs(every("unit")) if state not in ("inactive", "failed", "")),
        boot_id=next(iter(every("boot_id")), ""),
        running=next(iter(every("running")), ""),
        kernels=tuple(k for k in every("kernel") if not k.endswith((".old", ".dpkg-new", ".dpkg-tmp"))),
        drbd=dict(_pairs(every("drbd"))),
        headers=frozenset(every("headers")),
        dkms=bool(every("dkms")),
        replaced=bool(every("replaced")),
        required=next(iter(every("required")), None),
        changed=tuple(sorted(name.removesuffix(".list").partition(":")[0] for name in every("changed"))),
        versions=dict(_pairs(every("version"))),
    )


def _pairs(lines: Iterable[str]) -> list[tuple[str, str]]:
    return [(first, rest) for first, _, rest in (line.partition(" ") for line in lines)]


def newest_kernel(kernels: Iterable[str]) -> str:
    """Return what boot loaders start without being told otherwise; empty where there is none."""
    return max(kernels, key=_by_number, default="")


def _by_number(name: str) -> list[tuple[int, str]]:
    """As `sort -V` has it: numbers by their value, the rest as text."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", name)]
