"""One run on a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.report.figures import ClientFigures, Figures, count, figures, thousands, when

LABEL = 12


def run_text(run: Run) -> str:
    """Return a run's verdict, outage, steps, rows and problems as plain lines of at most about 100 characters."""
    found = figures(run)
    parts = (_head(run), _outage(run, found), _steps(found), _rows(found), _redundancy(run), _end(run))
    return "\n".join(line for part in parts for line in part) + "\n"


def verdict(run: Run) -> str:
    """Return `passed`, or `FAILED` with the number of problems."""
    return "passed" if run.passed else f"FAILED, {count(len(run.problems), 'problem')}"


def conditions(run: Run) -> str:
    """Return what the drill was run on, in one line; empty when nothing was noted."""
    return ", ".join(f"{name} {value}" for name, value in run.conditions.items())


def _head(run: Run) -> Iterator[str]:
    on = conditions(run)
    yield f"{run.scenario} on {run.cluster}{f' ({on})' * bool(on)}: {verdict(run)}"
    fenced = f"; fenced: {', '.join(dict.fromkeys(run.fenced))}" if run.fenced else "; nobody was fenced"
    yield f"{when(run)}; {run.primary} served, {run.serves or 'nobody'} serves now{fenced}"


def _outage(run: Run, found: Figures) -> Iterator[str]:
    allowed = f", {run.limit_s:g} s allowed" if run.limit_s is not None else ""
    yield ""
    yield f"{'outage':{LABEL}}{found.outage_s:7.2f} s{allowed}"
    yield from (_client(client) for client in found.clients if client.through_vip)


def _client(client: ClientFigures) -> str:
    note = f"   not judged: {client.note}" if client.note else ""
    window = f"from {client.began_s:.2f} to {client.ended_s:.2f} s after the fault"
    return f"  {client.name:{LABEL - 2}}{client.outage_s:7.2f} s   {window}{note}"


def _steps(found: Figures) -> Iterator[str]:
    if found.phases:
        yield ""
        yield "steps         done at     took"
    for phase in found.phases:
        yield f"  {phase.name:{18}}{phase.ended_s:6.2f} s {phase.took_s:6.2f} s   {phase.node}".rstrip()


def _rows(found: Figures) -> Iterator[str]:
    said = [f"{thousands(found.total('acknowledged'))} acknowledged", f"{found.total('missing')} missing"]
    said += [f"{found.total('twice')} twice", f"{found.total('stray')} never sent"]
    said += [f"{found.total('in_doubt')} in doubt ({found.total('arrived')} of them there)"]
    yield ""
    yield f"{'rows':{LABEL}}{', '.join(said)}"


def _redundancy(run: Run) -> Iterator[str]:
    after = run.redundant_after_s
    said = "never seen again" if after is None else f"both nodes held the data again {after:.1f} s after the fault"
    yield f"{'redundancy':{LABEL}}{said}"


def _end(run: Run) -> Iterator[str]:
    if run.note:
        yield f"{'note':{LABEL}}{run.note}"
    yield from (f"{'problem':{LABEL}}{problem}" for problem in run.problems)
