"""What `check` found, for people."""

from __future__ import annotations

from collections.abc import Sequence

from pcmk_ha.cli.out import console
from pcmk_ha.operate.checks.check import FAIL, OK, Check

MARKS = {OK: "[green]✓[/]", FAIL: "[bold red]✗[/]"}


def print_findings(findings: Sequence[Check]) -> None:
    """Print preflight findings, what is wrong last."""
    from rich.markup import escape

    out = console()
    for finding in sorted(findings, key=lambda f: (f.verdict != OK, f.node)):
        mark = MARKS.get(finding.verdict, "[yellow]![/]")
        out.print(f"{mark} {finding.node:9} {escape(finding.title):24} {escape(finding.detail)}")
        if finding.hint and finding.verdict != OK:
            out.print(f"  {'':9} {'':24} → {escape(finding.hint)}", style="dim")
    bad = sum(finding.verdict == FAIL for finding in findings)
    out.print(f"\n{bad} of {len(findings)} checks failed." if bad else f"\nAll {len(findings)} checks passed.")
