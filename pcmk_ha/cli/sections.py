"""The commands in the order in which an administrator meets them, under a heading for each occasion."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

SECTIONS = {
    "Build a cluster": ("init", "schema", "check", "render", "bootstrap", "adopt", "destroy"),
    "Look at it": ("status", "psql", "crm-show", "report"),
    "Move and rest": ("switchover", "standby", "unstandby", "maintenance", "stop", "start"),
    "Fence and prove": ("fence", "unfence", "fence-test", "verify", "resync", "split-brain", "drill", "rto"),
    "Change it while it serves": (
        "plan",
        "apply",
        "update",
        "grow",
        "replace",
        "add-arbiter",
        "remove-arbiter",
        "rotate-secrets",
    ),
    "Keep the data": ("backup", "restore"),
    "Try it": ("demo", "lab"),
}


class Sections(TyperGroup):
    """Prints the commands' help by sections; one that is in none of them comes last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        known = [name for names in SECTIONS.values() for name in names if name in self.commands]
        return [*known, *(name for name in super().list_commands(ctx) if name not in known)]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a list for each section, with all descriptions at the same column."""
        names = self.list_commands(ctx)
        width = max(map(len, names))
        limit = formatter.width - 6 - width
        placed = {name: title for title, section in SECTIONS.items() for name in section}
        for title in (*SECTIONS, "More"):
            mine = [name for name in names if placed.get(name, "More") == title]
            rows = [(name.ljust(width), self.commands[name].get_short_help_str(limit)) for name in mine]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
