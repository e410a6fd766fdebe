"""Where drills are kept: a folder for each, with its run, its page and what the nodes wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from platformdirs import user_state_path

from pcmk_ha.drill.collect import Collected
from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.report.html import run_page
from pcmk_ha.drill.report.store import dump_run, load_run
from pcmk_ha.errors import BadInput, Problem
from pcmk_ha.model.cluster import Cluster
from pcmk_ha.operate.known import live_cibs, scrubber_for
from pcmk_ha.operate.report.gather import gather
from pcmk_ha.operate.report.items import Item, items
from pcmk_ha.operate.session import Session
from pcmk_ha.scrub.patterns import mask_patterns

RUN, PAGE = "run.json", "run.html"


def drills_dir(cluster: str) -> Path:
    """Return where a cluster's drills are kept."""
    return user_state_path("pcmk-ha") / "drills" / cluster


def keep_run(run: Run, folder: Path, collected: Mapping[str, Collected]) -> Path:
    """Write a drill's run, its page and the nodes' journals; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for node, found in collected.items():
        (folder / f"{node}.journal").write_text(mask_patterns("\n".join(found.journal) + "\n"))
        if found.server_log:
            (folder / f"{node}.postgresql.log").write_text(mask_patterns(found.server_log))
    (folder / PAGE).write_text(run_page(run))
    draft = folder / f".{RUN}"
    draft.write_text(dump_run(run))
    draft.rename(folder / RUN)  # last: a folder with it is complete
    return folder


def evidence(cluster: Cluster) -> tuple[Item, ...]:
    """Return what every node is asked for when a drill went wrong: the last hour of a lab is all there is."""
    return items(cluster, since="-1h", inputs=40, journal_mib=8)


def keep_evidence(session: Session, folder: Path) -> None:
    """Keep what explains a drill that went wrong, as `pcmk-ha report` gathers it; secrets stay on the nodes."""
    scrubber = scrubber_for(session.cluster, session.secrets, live_cibs(session.nodes))
    found = gather(session.members, evidence(session.cluster), scrubber)
    for name, data in found.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def kept_runs(folder: Path) -> Iterator[tuple[Path, Run]]:
    """Yield every complete drill below a folder, the oldest first."""
    for path in sorted(folder.glob(f"**/{RUN}")):
        yield path, read_run(path)


def read_run(path: Path) -> Run:
    """Read one drill, given its folder or its file; raises BadInput when there is none."""
    file = path / RUN if path.is_dir() else path
    try:
        return load_run(file.read_text(), str(file))
    except OSError as error:
        raise BadInput(
            [Problem(f"no drill is kept here: {error.strerror}", "`pcmk-ha drill report` lists them", str(file))]
        ) from None
