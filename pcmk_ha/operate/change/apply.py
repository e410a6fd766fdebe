"""Run a plan: every step as soon as what it needs is done, steps on different nodes side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from pcmk_ha.plan.actions import Action
from pcmk_ha.plan.values import Plan, Step

WIDTH = 8  # steps at once: two lanes on three nodes and some to spare


class Observer(Protocol):
    """Is told what happens; the command line draws it, tests record it."""

    def started(self, step: Step) -> None:
        """Follow a step that begins."""

    def finished(self, step: Step, seconds: float) -> None:
        """Follow a step that is done."""

    def failed(self, step: Step, error: BaseException) -> None:
        """Follow a step that ended with an error."""


def apply_plan(plan: Plan, perform: Callable[[Action], None], observer: Observer) -> None:
    """Perform every step; raises the first error once the steps already running have ended."""
    done: set[int] = set()
    waiting = dict(enumerate(plan.steps))
    running: dict[Future[None], int] = {}
    failure: BaseException | None = None
    with ThreadPoolExecutor(WIDTH, thread_name_prefix="step") as pool:
        while running or (waiting and failure is None):
            if failure is None:
                for position in [p for p, step in waiting.items() if step.after <= done]:
                    step = waiting.pop(position)
                    running[pool.submit(_perform, step, perform, observer)] = position
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                position = running.pop(future)
                if error := future.exception():
                    failure = failure or error
                else:
                    done.add(position)
    if failure is not None:
        raise failure


def _perform(step: Step, perform: Callable[[Action], None], observer: Observer) -> None:
    observer.started(step)
    begin = time.monotonic()
    try:
        perform(step.action)
    except BaseException as error:
        observer.failed(step, error)
        raise
    observer.finished(step, time.monotonic() - begin)
