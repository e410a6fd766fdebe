"""What stands in a node's files, as facts a plan is made from. Read-only."""

from __future__ import annotations

from pcmk_ha.plan.facts import FileFact
from pcmk_ha.remote.runner import Runner

SUMS, STATS = ("sha256sum",), ("stat", "-c", "%a %U:%G %n")


def file_facts(runner: Runner, paths: tuple[str, ...]) -> dict[str, FileFact]:
    """Return the files that exist, by path."""
    sums, stats = (runner.run((*tool, *paths), ok=(0, 1)).stdout for tool in (SUMS, STATS))
    return parse_file_facts(sums, stats)


def parse_file_facts(sums: str, stats: str) -> dict[str, FileFact]:
    """Read what both tools say about some files."""
    digests = {path: digest for digest, path in (line.split(maxsplit=1) for line in sums.splitlines())}
    found = (line.split(maxsplit=2) for line in stats.splitlines())
    return {path: FileFact(digests[path], int(mode, 8), owner) for mode, owner, path in found if path in digests}
