"""The calls of a window that can be judged, with what is known of each before: one query, no texts come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
from numpy.typing import NDArray

from detectors.anchored import ORIGIN, Anchored, ask
from detectors.derived import MICROSECOND, microseconds, microseconds_of
from detectors.descriptors import RETRY_S
from detectors.measurement import Segment, Window
from detectors.protocols import Calls
from detectors.sampling import md5
from detectors.segments import label
from detectors.traffic import truncated

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOST = 20_000  # calls of a window that come back, chosen by hash
MOST_RATED = 20_000  # ids with negative feedback
_PROMPT_READ = 2_000  # characters that tell whether a prompt was sent again


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Calls of a window that succeeded with an answer, at most so many, chosen by the hash of their id.

    Attributes:
        ids: one for each call, in order of their hash.
        at_us: event time of each, microseconds since 1970.
        sessions: the conversation of each; None where the log does not say.
        segments: of each, by the columns that were asked for.
        error: (n,) whether the answer was cut, or the same user sent the prompt again within two minutes.
        population: how many such calls the window has.
    """

    ids: Sequence[str] = ()
    at_us: Sequence[int] = ()
    sessions: Sequence[str | None] = ()
    segments: Sequence[Segment] = ()
    error: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    population: int = 0

    @property
    def share(self) -> float:
        """With which probability a call of the window is among them."""
        return min(1.0, len(self.ids) / self.population) if self.population else 1.0


def candidates(
    log: Calls, window: Window, max_duration: timedelta, columns: tuple[str, ...], most: int = MOST
) -> Candidates:
    """What there is to judge in a window.

    Args:
        log: where the calls are.
        window: when they ended.
        max_duration: calls that took longer are left out.
        columns: of the segments; the log has them.
        most: calls that come back.
    """
    frame = ask(log, window.start, _Eligible(window.length, max_duration, columns, most))
    if not len(frame):
        return Candidates()
    found = {name: frame[name].tolist() for name in frame.columns}
    order = sorted(range(len(frame)), key=lambda row: (found["hash"][row], found["id"][row]))
    rows = {name: [values[row] for row in order] for name, values in found.items()}
    start = microseconds(window.start)
    return Candidates(
        ids=[str(each) for each in rows["id"]],
        at_us=[start + int(each) for each in rows["at_us"]],
        sessions=[each if isinstance(each, str) and each else None for each in rows["session_id"]],
        segments=[
            Segment(tuple((name, str(rows[f"by_{name}"][row])) for name in columns)) for row in range(len(order))
        ],
        error=np.array([bool(each) for each in rows["cut"]], bool) | _sent_again(rows),
        population=int(rows["population"][0]),
    )


def disliked(log: Calls, since: Window, positive_above: float) -> frozenset[str]:
    """Ids of the calls that people rated, and not well, within a span; of a log without feedback none."""
    if not {"call_id", "score"} <= log.feedback_columns:
        return frozenset()
    return frozenset(str(each) for each in ask(log, since.start, _Disliked(since.length, positive_above))["call_id"])


@dataclass(frozen=True, slots=True)
class _Eligible:
    """The first calls in order of their hash."""

    span: timedelta
    max_duration: timedelta
    by: tuple[str, ...]
    most: int

    def __call__(self, log: Anchored) -> "ir.Table":
        read = ("id", "response", "prompt", "user_id", "session_id", "finish_reason", "text_truncated", *self.by)
        calls = log.ended(timedelta(0), self.span, self.max_duration, tuple(dict.fromkeys(read)))
        calls = calls.filter(calls.ok, calls.response.notnull(), ~calls.text_truncated.fill_null(False))
        sender = ibis.coalesce(calls.user_id.nullif(""), calls.session_id.nullif(""))
        rows = calls.select(
            "id",
            "at_us",
            "session_id",
            hash=md5(calls.id),
            cut=truncated(calls).fill_null(False),
            sender=sender,
            form=md5(calls.prompt.fill_null("").left(_PROMPT_READ).lower().strip()),
            population=calls.started_us.count().over(ibis.window()),
            **{f"by_{name}": label(calls[name]) for name in self.by},
        )
        return rows.order_by(rows["hash"].asc(), rows["id"].asc()).limit(self.most)


@dataclass(frozen=True, slots=True)
class _Disliked:
    """The ids that people rated at or below a score."""

    span: timedelta
    positive_above: float

    def __call__(self, log: Anchored) -> "ir.Table":
        given = log.feedback(timedelta(0), self.span)
        at = microseconds_of(given["at"]) - given[ORIGIN]
        given = given.filter(
            at >= 0,
            at < self.span // MICROSECOND,
            given.kind.fill_null("").strip().lower() != "model",
            given.score.cast("float64") <= self.positive_above,
        )
        ids = given.select(call_id=given.call_id.cast("string")).distinct()
        return ids.order_by(ids.call_id.asc()).limit(MOST_RATED)


def _sent_again(rows: Mapping[str, Sequence[object]]) -> NDArray[np.bool_]:
    """(n,): whether the same sender sent an equal prompt within two minutes after, among these calls."""
    again = np.zeros(len(rows["id"]), bool)
    last: dict[tuple[object, object], int] = {}
    for row in sorted(range(len(again)), key=lambda row: int(str(rows["at_us"][row]))):
        sender = rows["sender"][row]
        if not isinstance(sender, str):
            continue
        before = last.get((sender, rows["form"][row]))
        if before is not None and int(str(rows["at_us"][row])) - int(str(rows["at_us"][before])) <= RETRY_S * 1e6:
            again[before] = True
        last[sender, rows["form"][row]] = row
    return again
