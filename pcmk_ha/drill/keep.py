"""Where drills are kept: a folder for each, with its run, its page and what the nodes wrote."""

from __future__ import annotations

import bz2
import io
import tarfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from lxml import etree
from platformdirs import user_state_path

from pcmk_ha.cib.mask import mask_secrets
from pcmk_ha.cib.tree import parse_cib
from pcmk_ha.drill.collect import Collected
from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.report.html import run_page
from pcmk_ha.drill.report.store import dump_run, load_run
from pcmk_ha.errors import BadInput, Problem
from pcmk_ha.operate.session import Session

RUN, PAGE = "run.json", "run.html"
# What explains a drill that went wrong, asked of every node.
EXPLAIN = {
    "crm_mon.txt": "crm_mon -1Arfn 2>&1",
    "drbd.txt": "cat /proc/drbd; drbdadm status 2>&1",
    "fencing.txt": "stonith_admin --history '*' --verbose 2>&1",
    # It notes every change of the configuration, parameters of fence devices included.
    "pacemaker.log": "tail -n 4000 /var/log/pacemaker/pacemaker.log 2>&1 | grep -v '<nvpair'",
}
SCHEDULER_INPUTS = "cd /var/lib/pacemaker/pengine && tar -cz $(ls -t *.bz2 | head -n 40) | base64 -w0"


def drills_dir(cluster: str) -> Path:
    """Return where a cluster's drills are kept."""
    return user_state_path("pcmk-ha") / "drills" / cluster


def keep_run(run: Run, folder: Path, collected: Mapping[str, Collected]) -> Path:
    """Write a drill's run, its page and the nodes' journals; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for node, found in collected.items():
        (folder / f"{node}.journal").write_text("\n".join(found.journal) + "\n")
        if found.server_log:
            (folder / f"{node}.postgresql.log").write_text(found.server_log)
    (folder / PAGE).write_text(run_page(run))
    draft = folder / f".{RUN}"
    draft.write_text(dump_run(run))
    draft.rename(folder / RUN)  # last: a folder with it is complete
    return folder


def keep_evidence(session: Session, folder: Path) -> None:
    """Keep what explains a drill that went wrong, from every node that answers; secrets stay there."""
    for node, runner in session.nodes.items():
        home = folder / node
        home.mkdir(parents=True, exist_ok=True)
        for name, script in EXPLAIN.items():
            (home / name).write_text(runner.run(("sh", "-c", script), ok=None, timeout=60).stdout)
        live = runner.run(("cibadmin", "--query"), ok=None).stdout
        (home / "cib.xml").write_text(without_secrets(live) if live else "")
        packed = runner.run(("sh", "-c", SCHEDULER_INPUTS), ok=None, timeout=60).stdout
        for name, cib in scheduler_inputs(packed):
            (home / name).write_text(cib)


def without_secrets(cib: str) -> str:
    """Return a CIB's text with the fence devices' logins masked."""
    root = parse_cib(cib, "CIB")
    mask_secrets(root)
    return etree.tostring(root, encoding="unicode", pretty_print=True)


def scheduler_inputs(packed: str) -> Iterator[tuple[str, str]]:
    """Yield name and masked text of each CIB in a base64 tar of Pacemaker's bzip2 files."""
    if not packed:
        return
    with tarfile.open(fileobj=io.BytesIO(b64decode(packed))) as tar:
        for member in tar:
            if (file := tar.extractfile(member)) is not None:
                name = PurePosixPath(member.name).name.removesuffix(".bz2")
                yield f"{name}.xml", without_secrets(bz2.decompress(file.read()).decode())


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
