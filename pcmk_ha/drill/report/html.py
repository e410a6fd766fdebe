"""One run as a page that needs nothing but itself. Pure, but for its template's text."""

from __future__ import annotations

from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.report.figures import Figures, count, data_nodes, figures, thousands, when
from pcmk_ha.drill.report.picture import pictures


def run_page(run: Run) -> str:
    """Return a self-contained HTML page: no script, no resource from elsewhere."""
    found = figures(run)
    template = _environment().get_template("run.html.j2")
    return template.render(
        run=run,
        found=found,
        pictures=pictures(run, found),
        nodes=data_nodes(run),
        when=when(run),
        summary=_summary(run, found),
        paragraphs=_paragraphs(run.runbook),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pcmk_ha.drill.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = _clock
    environment.filters["thousands"] = thousands
    return environment


def _clock(at: float) -> str:
    """Return a time of day in UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(lines.split("\n")) for part in text.split("\n\n") for lines in _sentences(part))


def _sentences(part: str) -> tuple[str, ...]:
    """Split a paragraph where a line begins with `What ...:` or `Within:`, as runbooks are written."""
    lines: list[str] = []
    for line in part.strip().splitlines():
        if line.startswith(("What breaks:", "What must happen:", "Within:")) or not lines:
            lines.append(line)
        else:
            lines[-1] += f"\n{line}"
    return tuple(lines)


def _summary(run: Run, found: Figures) -> str:
    """Say what happened in a few sentences, for somebody who was not there."""
    waited = (
        f"the worst-off client waited {found.outage_s:.2f} s for an answer" if found.outage_s else "no client waited"
    )
    allowed = f" ({run.limit_s:g} s are allowed)" if run.limit_s is not None else ""
    rows = f"{count(found.total('acknowledged'), 'write')} were acknowledged, and {_missing(found)}"
    end = "nobody serves" if not run.serves else f"{run.serves} serves"
    fenced = f" {' and '.join(dict.fromkeys(run.fenced))} was fenced." if run.fenced else " Nobody was fenced."
    return f"{run.primary} served when the fault struck; {waited}{allowed}. {rows}. In the end {end}.{fenced}"


def _missing(found: Figures) -> str:
    missing = found.total("missing")
    return f"{missing} of them {'is' if missing == 1 else 'are'} missing" if missing else "none of them is missing"
