"""Calls of two models, prompt versions or routes with equal prompts: what can be compared side by side; one query.

And the calls whose prompt the other side did not answer: those may be matched by what their prompts mean (`alike`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
from numpy.typing import NDArray

from detectors.anchored import Anchored, ask
from detectors.derived import MICROSECOND
from detectors.judge.alike import Alike, alike
from detectors.measurement import Window
from detectors.protocols import Calls
from detectors.sampling import LONGEST_TEXT, md5

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

MOST = 2_000  # pairs that come back
MOST_ALONE = 300  # calls of each side without an equal prompt that come back
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


@dataclass(frozen=True, slots=True)
class Alone:
    """Calls of one side whose prompt the other did not answer, one for each prompt, first by the hash of its id.

    Attributes:
        forms: hashes of the prompts, as `Match.prompt`.
        ids: of the calls.
        at_us: when each ended, microseconds from the start of the window.
        texts: their prompts.
        prompts: how many there are in all; at most `MOST_ALONE` of them are here.
    """

    forms: Sequence[str]
    ids: Sequence[str]
    at_us: Sequence[int]
    texts: Sequence[str]
    prompts: int


def alone(log: Calls, window: Window, sides: Sides, max_duration: timedelta) -> tuple[Alone, Alone]:
    """What `matches` leaves of both sides; the calls that come back are those that a sample of texts has first."""
    frame = ask(log, window.start, _Alone(_Matched(window.length, sides, max_duration)))
    return _alone(frame[frame["side"] == sides.first]), _alone(frame[frame["side"] == sides.second])


def by_meaning(
    rest: tuple[Alone, Alone], embed: Callable[[Sequence[str]], NDArray[np.floating]], least: float
) -> list[Alike]:
    """The calls of both sides whose prompts are alike, by their rows.

    Args:
        rest: of the first side and of the second.
        embed: n texts to (n, d) vectors of unit norm; it is not asked where a side has no call.
        least: cosine of two prompts that are alike.
    """
    one, two = rest
    if not one.ids or not two.ids:
        return []
    vectors = embed([*one.texts, *two.texts])
    return alike(vectors[: len(one.ids)], vectors[len(one.ids) :], least)


def _alone(frame: "pd.DataFrame") -> Alone:
    frame = frame.sort_values("place")
    forms, ids, texts = ([str(each) for each in frame[name]] for name in ("form", "id", "text"))
    prompts = int(frame["prompts"].iloc[0]) if len(frame) else 0
    return Alone(forms, ids, [int(each) for each in frame["at_us"]], texts, prompts)


def at_of(window: Window, match: Match) -> timedelta:
    """How long after the start of the window the later call of a pair ended."""
    return match.at_us * MICROSECOND


@dataclass(frozen=True, slots=True)
class _Matched:
    """The pairs of a span."""

    span: timedelta
    sides: Sides
    max_duration: timedelta

    def calls(self, log: Anchored) -> "ir.Table":
        """One call of each side and prompt."""
        column = self.sides.column
        read = tuple(dict.fromkeys(("id", "prompt", "response", "text_truncated", column)))
        calls = log.ended(timedelta(0), self.span, self.max_duration, read)
        calls = calls.filter(calls.ok, calls.response.notnull(), ~calls.text_truncated.fill_null(False))
        calls = calls.filter(calls.prompt.strip() != "", calls[column].isin([self.sides.first, self.sides.second]))
        calls = calls.select(
            "id",
            "at_us",
            side=calls[column],
            form=md5(calls.prompt.left(_READ).lower().strip()),
            hash=md5(calls.id),
            text=calls.prompt.left(LONGEST_TEXT),
        )
        order = ibis.window(group_by=["side", "form"], order_by=[calls["hash"].asc(), calls["id"].asc()])
        calls = calls.mutate(place=ibis.row_number().over(order))
        return calls.filter(calls.place == 0)

    def __call__(self, log: Anchored) -> "ir.Table":
        calls = self.calls(log)
        one = calls.filter(calls.side == self.sides.first)
        two = calls.filter(calls.side == self.sides.second)
        two = two.select(form=two.form, second_id=two.id, second_at=two.at_us)
        both = one.join(two, "form").select("form", "id", "second_id", "at_us", "second_at")
        return both.order_by(both.form.asc()).limit(MOST)


@dataclass(frozen=True, slots=True)
class _Alone:
    """Of the calls of both sides those whose prompt only one has."""

    pairs: _Matched

    def __call__(self, log: Anchored) -> "ir.Table":
        calls = self.pairs.calls(log).drop("place")
        calls = calls.mutate(sides=calls.id.count().over(ibis.window(group_by="form")))
        calls = calls.filter(calls.sides == 1)
        order = ibis.window(group_by="side", order_by=[calls["hash"].asc(), calls["id"].asc()])
        ranked = calls.mutate(
            place=ibis.row_number().over(order), prompts=calls.id.count().over(ibis.window(group_by="side"))
        )
        return ranked.filter(ranked.place < MOST_ALONE)
