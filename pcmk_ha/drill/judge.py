"""Holds a drill to what must come of it: every rule that was broken, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pcmk_ha.client.ledger import Ledger
from pcmk_ha.drill.evidence import Run
from pcmk_ha.drill.outage import client_outage, merged_outage, well_configured
from pcmk_ha.drill.scenario import EITHER, PRIMARY, SAME, Expectation
from pcmk_ha.drill.spans import CLOCK_SLACK_S, find_overlaps
from pcmk_ha.drill.writers import double_writers
from pcmk_ha.model.parts import Objectives

SHOWN = 10


def judge(run: Run, expect: Expectation, objectives: Objectives, *, slack_s: float = CLOCK_SLACK_S) -> tuple[str, ...]:
    """Return everything about a run that is not as it should be; empty when it passed.

    Of the run it needs `clients`, `direct`, `spans`, `struck_at`, `primary`, and how it ended: `serves`, `fenced`
    and `roles`. Problems the run has already are not repeated: join both.
    """
    return (
        *_rows(run, objectives),
        *double_writers({**run.clients, **run.direct}),
        *find_overlaps(run.spans, slack_s=slack_s),
        *_outages(run, expect, objectives),
        *_serving(run, expect),
        *_fencing(run, expect),
    )


def _rows(run: Run, objectives: Objectives) -> Iterator[str]:
    ledgers = {**run.clients, **run.direct}
    if not any(ledger.acknowledged for ledger in ledgers.values()):
        yield "no client had a single write acknowledged: nothing is proved"
    if sum(len(ledger.lost) for ledger in ledgers.values()) > objectives.rpo:
        yield from _each(ledgers, lambda ledger: ledger.lost, "acknowledged and missing (objective: rpo)")
    yield from _each(ledgers, lambda ledger: ledger.repeated, "there more than once")
    yield from _each(ledgers, lambda ledger: ledger.unexpected, "there and never sent")


def _each(ledgers: Mapping[str, Ledger], pick: Callable[[Ledger], tuple[int, ...]], what: str) -> Iterator[str]:
    for name, ledger in ledgers.items():
        if rows := pick(ledger):
            yield f"{name}: {len(rows)} row{'s' * (len(rows) > 1)} {what}: {_numbers(rows)}"


def _numbers(rows: tuple[int, ...]) -> str:
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ", ".join(map(str, rows[:SHOWN])) + more


def _outages(run: Run, expect: Expectation, objectives: Objectives) -> Iterator[str]:
    for name, ledger in well_configured(run).items():
        outage = client_outage(ledger, run.struck_at)
        if outage > expect.outage_s:
            yield f"{name}: {outage:.2f} s without an acknowledged write; this drill allows {expect.outage_s:g} s"
    if objectives.rto is not None and (outage := merged_outage(run)) > objectives.rto:
        yield f"objective: an outage of {outage:.2f} s is longer than the rto of {objectives.rto:g} s"


def _serving(run: Run, expect: Expectation) -> Iterator[str]:
    if not run.serves:
        yield "nobody serves in the end"
    elif expect.serves_on != EITHER and (run.serves == run.primary) != (expect.serves_on == SAME):
        wanted = run.primary if expect.serves_on == SAME else f"any other than {run.primary}"
        yield f"{run.serves} serves in the end, and not {wanted}"


def _fencing(run: Run, expect: Expectation) -> Iterator[str]:
    if expect.fenced is None:
        return
    roles = {**run.roles, PRIMARY: run.primary}
    wanted = {roles.get(role, f"the {role}"): role for role in expect.fenced}
    for node in sorted(wanted.keys() - set(run.fenced)):
        yield f"{node} ({wanted[node]}) was not fenced"
    for node in sorted(set(run.fenced) - wanted.keys()):
        role = next((role for role, name in roles.items() if name == node), "no member")
        yield f"{node} ({role}) was fenced, and should not have been"
