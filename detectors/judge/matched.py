"""Calls of two models, prompt versions or routes with equal prompts: what can be compared side by side; one query."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis

from detectors.anchored import Anchored, ask
from detectors.derived import MICROSECOND
from detectors.measurement import Window
from detectors.protocols import Calls
from detectors.sampling import md5

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOST = 2_000  # pairs that come back
_READ = 32_000  # characters of a prompt that must be equal


@dataclass(frozen=True, slots=True)
class Match:
    """A pair.

    Attributes:
        prompt: a hash of the prompt that both answer.
        first, second: ids of the calls.
        at_us: when the later one ended, microseconds from the start of the window.
    """

    prompt: str
    first: str
    second: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Sides:
    """What tells two sides apart: a column and its values."""

    column: str
    first: str
    second: str


def matches(log: Calls, window: Window, sides: Sides, max_duration: timedelta) -> list[Match]:
    """One pair for each prompt that both sides answered in a window, in order of the prompt's hash: an even sample.

    Equal are prompts that differ in case and in spaces at their ends only. Of several calls of a side with one prompt
    the first by the hash of its id is taken. Calls that failed or whose text was cut are left out.

    Args:
        log: where the calls are; it has the column, prompts and responses.
        window: when they ended.
        sides: who is compared.
        max_duration: calls that took longer are left out.
    """
    frame = ask(log, window.start, _Matched(window.length, sides, max_duration))
    rows = frame[["form", "id", "second_id", "at_us", "second_at"]].itertuples(index=False, name=None)
    return [Match(form, str(one), str(two), max(int(at), int(other))) for form, one, two, at, other in rows]


def at_of(window: Window, match: Match) -> timedelta:
    """How long after the start of the window the later call of a pair ended."""
    return match.at_us * MICROSECOND


@dataclass(frozen=True, slots=True)
class _Matched:
    """The pairs of a span."""

    span: timedelta
    sides: Sides
    max_duration: timedelta

    def __call__(self, log: Anchored) -> "ir.Table":
        column = self.sides.column
        read = tuple(dict.fromkeys(("id", "prompt", "response", "text_truncated", column)))
        calls = log.ended(timedelta(0), self.span, self.max_duration, read)
        calls = calls.filter(calls.ok, calls.response.notnull(), ~calls.text_truncated.fill_null(False))
        calls = calls.filter(calls.prompt.strip() != "", calls[column].isin([self.sides.first, self.sides.second]))
        calls = calls.select(
            "id", "at_us", side=calls[column], form=md5(calls.prompt.left(_READ).lower().strip()), hash=md5(calls.id)
        )
        order = ibis.window(group_by=["side", "form"], order_by=[calls["hash"].asc(), calls["id"].asc()])
        calls = calls.mutate(place=ibis.row_number().over(order))
        one = calls.filter(calls.place == 0, calls.side == self.sides.first)
        two = calls.filter(calls.place == 0, calls.side == self.sides.second)
        two = two.select(form=two.form, second_id=two.id, second_at=two.at_us)
        both = one.join(two, "form").select("form", "id", "second_id", "at_us", "second_at")
        return both.order_by(both.form.asc()).limit(MOST)
