"""One look at the golden set: ask what is due and affordable, keep every answer, compare when all are there."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from config.golden import Golden
from detectors.chat_api import ChatEndpoint
from detectors.embedder import EmbeddingError
from detectors.endpoint import EndpointError, Pause
from monitor.golden.compare import compare
from monitor.golden.prompts import Prompt, PromptsError, read_prompts
from monitor.house import House
from monitor.store import golden, states
from monitor.store.golden import Slot

log = logging.getLogger("watchkeeper")

LEASE = "golden"
LEASE_LENGTH = timedelta(minutes=15)  # a call with all its tries is shorter
RETRY_AFTER = timedelta(hours=1)

Clock = Callable[[], datetime]
Outcome = Literal["not due", "busy", "stopped", "waiting", "failing", "done"]


@dataclass(frozen=True, slots=True)
class Asking:
    """What a look needs of the outside: the wall clock, how to wait, and whether to stop."""

    clock: Clock
    pause: Pause
    stopping: Callable[[], bool]


class BudgetError(Exception):
    """The budget of the day does not allow another answer."""


def look(house: House, asking: Asking, *, at_once: bool = False) -> Outcome:
    """Starts a run when one is due, or goes on with one, as far as budget and endpoint allow.

    Args:
        house: with a golden set.
        asking: the outside.
        at_once: whether a run starts although none is due, and goes on although the endpoint has just failed.
    """
    settings, now = house.settings.golden, asking.clock()
    if settings is None or not (at_once or _is_due(house, settings, now)):
        return "not due"
    holder = uuid4().hex
    with house.database.transaction() as session:
        if not states.take_lease(session, LEASE, holder, now, LEASE_LENGTH):
            return "busy"
    try:
        return _Look(house, settings, asking, holder).go()
    finally:
        with house.database.transaction() as session:
            states.drop_lease(session, LEASE, holder)


def _is_due(house: House, settings: Golden, now: datetime) -> bool:
    with house.database.reading() as session:
        row = golden.newest(session)
        if row is None:
            return True
        if row.state == golden.DONE:
            return now - row.started_at >= settings.every
        if row.state == "waiting":
            return now.date() > row.tried_at.date()
        return row.state == "running" or now - row.tried_at >= RETRY_AFTER


@dataclass(frozen=True, slots=True)
class _Look:
    """A look by who holds the lease."""

    house: House
    settings: Golden
    asking: Asking
    holder: str

    def go(self) -> Outcome:
        """Asks, and compares."""
        run_id = self._run()
        try:
            # Everything is read before anything is paid for.
            prompts = read_prompts(self.house.folder / Path(self.settings.prompts).expanduser())
            endpoint = ChatEndpoint(self.settings.endpoint, self.asking.pause)
            for prompt, sample in self._missing(run_id, prompts):
                if self.asking.stopping() or not self._keeps_lease():
                    return "stopped"
                self._ask(endpoint, run_id, prompt, sample)
            facts = compare(self.house, run_id, prompts, self.asking.clock())
        except BudgetError as error:
            return self._broken_off(run_id, "waiting", str(error))
        except (PromptsError, EndpointError, EmbeddingError, ValueError) as error:
            return self._broken_off(run_id, "failing", str(error))
        self._finish(run_id, facts)
        return "done"

    def _run(self) -> int:
        """The run that goes on, or a new one."""
        now = self.asking.clock()
        with self.house.database.transaction() as session:
            row = golden.newest(session)
            if row is None or row.state == golden.DONE:
                return golden.begin(session, now)
            golden.change(session, int(row.id or 0), {"tried_at": now})
            return int(row.id or 0)

    def _missing(self, run_id: int, prompts: list[Prompt]) -> Iterator[tuple[Prompt, int]]:
        with self.house.database.reading() as session:
            there = golden.answers(session, run_id)
        for prompt in prompts:
            for sample in range(self.settings.samples):
                if (prompt.hash, sample) not in there:
                    yield prompt, sample

    def _keeps_lease(self) -> bool:
        with self.house.database.transaction() as session:
            return states.take_lease(session, LEASE, self.holder, self.asking.clock(), LEASE_LENGTH)

    def _ask(self, endpoint: ChatEndpoint, run_id: int, prompt: Prompt, sample: int) -> None:
        """Reserves, asks, settles. What may have been paid for stays reserved when the answer does not come."""
        slot: Slot = (prompt.hash, sample)
        worst = endpoint.worst_usd(prompt.messages)
        self._reserve(run_id, slot, worst)
        try:
            answer = endpoint.ask(prompt.messages)
        except EndpointError as error:
            self.house.counters.add("golden_calls", result="failed")
            if not error.unsure:
                self._settle(run_id, slot, -worst, None)
            raise
        self.house.counters.add("golden_calls", result="answered")
        self._settle(run_id, slot, answer.usd - worst, answer.text)

    def _reserve(self, run_id: int, slot: Slot, worst: float) -> None:
        now, budget = self.asking.clock(), self.settings.budget_usd_per_day
        if worst > budget:
            what = f"one answer may cost {worst:.4g} US dollars, more than the budget of a day ({budget:.4g})"
            raise ValueError(f"{what}: lower max_tokens, shorten the prompt, or raise budget_usd_per_day")
        with self.house.database.transaction() as session:
            spent = golden.spent(session, now)
            if spent + worst > budget:
                raise BudgetError(
                    f"the budget of the day ({budget:.4g} US dollars) is used up: {spent:.4g} are spent, and one more "
                    f"answer may cost {worst:.4g}; the run goes on tomorrow (UTC)"
                )
            golden.reserve(session, run_id, slot, worst, now)

    def _settle(self, run_id: int, slot: Slot, change_usd: float, text: str | None) -> None:
        with self.house.database.transaction() as session:
            golden.settle(session, run_id, slot, change_usd, text)

    def _broken_off(self, run_id: int, state: Literal["waiting", "failing"], problem: str) -> Outcome:
        now = self.asking.clock()
        with self.house.database.transaction() as session:
            row = golden.run(session, run_id)
            since = (row.failing_since or now) if state == "failing" else None
            if row.state != state:
                log.warning("the golden set is %s: %s", state, problem)
            values = {"state": state, "problem": problem, "failing_since": since, "tried_at": now}
            golden.change(session, run_id, values)
        return state

    def _finish(self, run_id: int, facts: Mapping[str, Any]) -> None:
        now = self.asking.clock()
        with self.house.database.transaction() as session:
            golden.freeze(session, run_id, facts["first"], now)
            values = {"state": golden.DONE, "problem": "", "failing_since": None, "finished_at": now}
            golden.change(session, run_id, values | {"facts": {**facts, "usd": golden.cost(session, run_id)}})
