"""The phases of each contender's middle run, as bars on one axis: SVG with attributes only, no style sheet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import etree

from pcmk_ha.drill.report.scale import Scale, steps
from side.phases import ORDER
from side.records import CONTENDERS, Record, is_measured

WIDTH, LEFT, RIGHT = 960, 130, 70
HEAD, ROW, BAR, FOOT, KEY = 44, 34, 22, 28, 20
NAMESPACE = "http://www.w3.org/2000/svg"
INK, PALE = "#333333", "#d8d8d8"
# Colours that stay apart for people who see few of them; the same step has the same one in every picture.
COLOURS = (
    "#d55e00", "#e69f00", "#cc79a7", "#8c6d31", "#999999", "#0072b2", "#56b4e9", "#009e73", "#7fbf7b", "#6a51a3",
    "#000000",
)  # fmt: skip
WAITING = "0.45"  # opacity of what timers can explain
KEYS_IN_A_ROW = 6


def middle(records: Iterable[Record]) -> Record | None:
    """Return the run with the median outage (the lower of two): one that was measured, not an average of phases."""
    measured = sorted((record for record in records if is_measured(record)), key=lambda record: record["outage_s"])
    return measured[(len(measured) - 1) // 2] if measured else None


def picture(records: Sequence[Record], fault: str) -> str | None:
    """Return the picture of a fault, None where no run of it came to figures."""
    of_fault = [record for record in records if record["fault"] == fault]
    shown = [run for name in CONTENDERS if (run := middle(r for r in of_fault if r["contender"] == name))]
    if not shown:
        return None
    counts = {name: sum(r["contender"] == name and is_measured(r) for r in of_fault) for name in CONTENDERS}
    longest = max(max(run["outage_s"], *(p["ended_s"] for p in run["phases"]), 1.0) for run in shown)
    scale = Scale(0, longest, LEFT, WIDTH - RIGHT)
    used = [name for name in ORDER if any(name == phase["name"] for run in shown for phase in run["phases"])]
    bottom = HEAD + ROW * len(shown)
    height = bottom + FOOT + KEY * (-(-(len(used) + 1) // KEYS_IN_A_ROW)) + 8
    root = etree.Element("svg", xmlns=NAMESPACE, viewBox=f"0 0 {WIDTH} {height}", width=str(WIDTH))
    root.set("font-family", "sans-serif")
    root.set("font-size", "12")
    _add(root, "rect", x=0, y=0, width=WIDTH, height=height, fill="white")
    _text(root, LEFT, 18, f"{fault}: from the fault until a client is answered again", size=14)
    _axis(root, scale, bottom)
    for index, run in enumerate(shown):
        _row(root, run, scale, HEAD + index * ROW, counts[run["contender"]])
    _key(root, used, bottom + FOOT)
    return etree.tostring(root, pretty_print=True, encoding="unicode")


def _axis(root: Any, scale: Scale, bottom: float) -> None:
    for at in steps(scale.begin, scale.end):
        x = scale.x(at)
        _add(root, "line", x1=x, y1=HEAD - 8, x2=x, y2=bottom, stroke=PALE)
        _text(root, x, bottom + 14, f"{at:g} s", anchor="middle")


def _row(root: Any, run: Record, scale: Scale, y: float, count: int) -> None:
    _text(root, LEFT - 8, y + 15, run["contender"], anchor="end")
    for phase in run["phases"]:
        _bar(root, phase, scale, y)
    if not run["phases"]:
        _add(root, "rect", x=LEFT, y=y, width=scale.x(run["outage_s"]) - LEFT, height=BAR, fill=PALE)
    end = max([run["outage_s"], *(phase["ended_s"] for phase in run["phases"])])
    runs = f"{count} run{'s' * (count != 1)}"
    _text(root, scale.x(end) + 5, y + 10, f"{run['outage_s']:.1f} s", size=11)
    _text(root, scale.x(end) + 5, y + 22, runs, size=9)


def _bar(root: Any, phase: Mapping[str, Any], scale: Scale, y: float) -> None:
    """Draw what timers can explain, paler, and then the work."""
    colour = COLOURS[ORDER.index(phase["name"])]
    begin, split, end = phase["began_s"], phase["began_s"] + phase["timer_s"], phase["ended_s"]
    for since, until, opacity, what in ((begin, split, WAITING, "timers"), (split, end, "1", "work")):
        width = round(scale.x(until) - scale.x(since), 1)
        if width > 0:
            bar = _add(root, "rect", x=scale.x(since), y=y, width=width, height=BAR, fill=colour)
            bar.set("fill-opacity", opacity)
            etree.SubElement(bar, "title").text = f"{phase['name']}: {what} {until - since:.2f} s"


def _key(root: Any, used: Sequence[str], top: float) -> None:
    wide = (WIDTH - LEFT) / KEYS_IN_A_ROW
    for index, name in enumerate((*used, "paler: timers")):
        x, y = LEFT + index % KEYS_IN_A_ROW * wide, top + index // KEYS_IN_A_ROW * KEY
        box = _add(root, "rect", x=x, y=y, width=11, height=11, fill=INK if name not in ORDER else _colour(name))
        if name not in ORDER:
            box.set("fill-opacity", WAITING)
        _text(root, x + 16, y + 10, name, size=11)


def _colour(name: str) -> str:
    return COLOURS[ORDER.index(name)]


def _text(root: Any, x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> None:
    element = _add(root, "text", x=x, y=y, fill=INK)
    element.set("text-anchor", anchor)
    element.set("font-size", str(size))
    element.text = text


def _add(root: Any, kind: str, **values: object) -> Any:
    return etree.SubElement(root, kind, {name: str(value) for name, value in values.items()})
