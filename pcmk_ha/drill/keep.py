"""Where drills are kept: a folder for each, with its run, its page and what the nodes wrote."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from platformdirs import user_state_path

from pcmk_ha.drill.collect import Collected
from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.report.html import run_page
from pcmk_ha.drill.report.store import dump_run, load_run
from pcmk_ha.errors import BadInput, Problem
from pcmk_ha.operate.known import scrubber_for
from pcmk_ha.operate.session import Session
from pcmk_ha.scrub.packed import scrubbed
from pcmk_ha.scrub.patterns import mask_patterns
from pcmk_ha.scrub.scrubber import Scrubber

RUN, PAGE = "run.json", "run.html"
# What explains a drill that went wrong, asked of every node.
EXPLAIN = {
    "crm_mon.txt": "crm_mon -1Arfn 2>&1",
    "drbd.txt": "cat /proc/drbd; drbdadm status 2>&1",
    "fencing.txt": "stonith_admin --history '*' --verbose 2>&1",
    "pacemaker.log": "tail -n 4000 /var/log/pacemaker/pacemaker.log 2>&1",
}
SCHEDULER_INPUTS = "cd /var/lib/pacemaker/pengine && tar -cz $(ls -t *.bz2 | head -n 40) | base64 -w0"


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


def keep_evidence(session: Session, folder: Path) -> None:
    """Keep what explains a drill that went wrong, from every node that answers; secrets stay there."""
    live = {node: r.run(("cibadmin", "--query"), ok=None).stdout for node, r in session.nodes.items()}
    scrubber = scrubber_for(session.cluster, session.secrets, live.values())
    for node, runner in session.nodes.items():
        home = folder / node
        home.mkdir(parents=True, exist_ok=True)
        for name, script in EXPLAIN.items():
            said = runner.run(("sh", "-c", script), ok=None, timeout=60).stdout
            (home / name).write_text(scrubber.text(said))
        (home / "cib.xml").write_text(scrubber.text(live[node]))
        packed = runner.run(("sh", "-c", SCHEDULER_INPUTS), ok=None, timeout=60).stdout
        for name, cib in scheduler_inputs(packed, scrubber):
            (home / name).write_text(cib)


def scheduler_inputs(packed: str, scrubber: Scrubber) -> Iterator[tuple[str, str]]:
    """Yield name and text of each CIB in a base64 tar of Pacemaker's bzip2 files, without secrets."""
    if not packed:
        return
    for name, cib in scrubbed(scrubber, "pengine", b64decode(packed)):
        yield f"{PurePosixPath(name).name}.xml", cib.decode()


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
