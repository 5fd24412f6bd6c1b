"""The sample of a window: the calls whose text is read, chosen inside the engine by the hash of their id.

The same window gives the same sample on every engine and in any order of rows, and a longer sample begins with the
shorter one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import ibis

from detectors.anchored import Anchored, ask
from detectors.derived import EPOCH, MICROSECOND, microseconds
from detectors.drift.budget import Stream as AnyStream
from detectors.measurement import Segment, Window
from detectors.protocols import Calls
from detectors.segments import combination, combination_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

Stream = Literal["prompt", "response"]
STREAMS: tuple[Stream, ...] = ("prompt", "response")
PAIRS: Final = "response_given_prompt"  # calls with both texts: what is answered to what

LONGEST_TEXT = 32_000  # characters that are fetched of a text: what comes after them is not read
_HOUR = timedelta(hours=1)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def md5(text: str) -> str:  # type: ignore[empty-body]
    """The hash that every engine has, as 32 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The sampled calls of one window and segment, in order of their hash.

    Attributes:
        ids: one for each call.
        ended_us: event time of each, microseconds since 1970.
        texts: what the stream says, of pairs the prompts; never None, may be empty.
        users, sessions: who asked in which conversation, None where the log does not say.
        population: how many calls of the window have a text of the stream.
        answers: of pairs the response to each prompt; else none.
        columns: other columns of the calls that were asked for, None where the log does not say.
        numbers: likewise, columns of numbers.
    """

    window: Window
    segment: Segment
    stream: AnyStream
    ids: Sequence[str]
    ended_us: Sequence[int]
    texts: Sequence[str]
    users: Sequence[str | None]
    sessions: Sequence[str | None]
    population: int
    answers: Sequence[str] = ()
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    numbers: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How samples are drawn.

    Attributes:
        size: calls at most.
        max_duration: calls that took longer are left out.
        columns: other columns of text that come with each call.
        numbers: likewise, columns of numbers.
    """

    size: int
    max_duration: timedelta
    columns: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def draw(self, log: Calls, stream: AnyStream, window: Window, segment: Segment) -> Sample:
        """One query: at most `size` rows come back, whatever the window holds.

        A response counts when its call succeeded, and so does a pair of both; a prompt always does, unless the call was
        cancelled. A text that the log cut is left out: its end would look like a change of style.
        """
        return self._sample(_Drawn(self._rows(stream, window, segment), self.size), log, window)

    def draw_each(self, log: Calls, stream: AnyStream, window: Window, segment: Segment, length: timedelta) -> Sample:
        """As `draw`, but at most `size` rows of each window of a length (from 1970 on) within `window`, in one query.

        The calls of one such window are those that `draw` gives for it.
        """
        since = _after(window.start, length)
        return self._sample(_DrawnOfEach(self._rows(stream, window, segment), self.size, length, since), log, window)

    def _rows(self, stream: AnyStream, window: Window, segment: Segment) -> "_Texts":
        columns = (*self.columns, *self.numbers)
        return _Texts(stream, segment, window.end - window.start, self.max_duration, columns)

    def _sample(self, query: "_Drawn | _DrawnOfEach", log: Calls, window: Window) -> Sample:
        frame = ask(log, window.start, query)
        start = microseconds(window.start)
        found = {name: frame[name].tolist() for name in frame.columns}
        order = sorted(range(len(frame)), key=lambda row: (found["hash"][row], found["id"][row]))
        column = {name: [values[row] for row in order] for name, values in found.items()}
        return Sample(
            window=window,
            segment=query.rows.segment,
            stream=query.rows.stream,
            ids=[str(each) for each in column["id"]],
            ended_us=[start + int(each) for each in column["at_us"]],
            texts=[str(each) for each in column["text"]],
            users=[each if isinstance(each, str) else None for each in column["user_id"]],
            sessions=[each if isinstance(each, str) else None for each in column["session_id"]],
            population=int(column["population"][0]) if order else 0,
            answers=[str(each) for each in column.get("answer", ())],
            columns={
                name: [each if isinstance(each, str) else None for each in column[f"by_{name}"]]
                for name in self.columns
            },
            numbers={name: [_number(each) for each in column[f"by_{name}"]] for name in self.numbers},
        )


@dataclass(frozen=True, slots=True)
class _Counted:
    """The calls of a segment that ended in a span and have the texts of a stream."""

    stream: AnyStream
    segment: Segment
    span: timedelta
    max_duration: timedelta

    def read(self, log: Anchored, *columns: str) -> "ir.Table":
        """Those calls with some of the canonical columns, and those of the stream and the segment."""
        texts = _texts(self.stream)
        names = tuple(dict.fromkeys((*columns, *texts, *self.segment.columns)))
        calls = log.ended(timedelta(0), self.span, self.max_duration, names)
        calls = calls.filter(*(calls[each].notnull() for each in texts))
        if self.segment.columns:
            calls = calls.filter(combination(calls, self.segment.columns) == combination_of(self.segment))
        return calls


@dataclass(frozen=True, slots=True)
class _Texts(_Counted):
    """Of these the ones that a sample may have, each with its hash."""

    columns: tuple[str, ...] = ()

    def __call__(self, log: Anchored) -> "ir.Table":
        texts = _texts(self.stream)
        calls = self.read(log, "id", "user_id", "session_id", "text_truncated", *self.columns)
        counted = ~calls.cancelled if self.stream == "prompt" else calls.ok
        calls = calls.filter(counted, ~calls.text_truncated.fill_null(False))
        return calls.select(
            "id",
            "at_us",
            "user_id",
            "session_id",
            text=calls[texts[0]].left(LONGEST_TEXT),
            hash=md5(calls.id),
            population=calls.started_us.count().over(ibis.window()),
            **({"answer": calls[texts[1]].left(LONGEST_TEXT)} if self.stream == PAIRS else {}),
            **{f"by_{name}": calls[name] for name in self.columns},
        )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The first rows in order of their hash."""

    rows: _Texts
    size: int

    def __call__(self, log: Anchored) -> "ir.Table":
        rows = self.rows(log)
        return rows.order_by(rows["hash"].asc(), rows["id"].asc()).limit(self.size)


@dataclass(frozen=True, slots=True)
class _DrawnOfEach:
    """The first rows of each window of a length; the origin lies `since` after the beginning of one."""

    rows: _Texts
    size: int
    length: timedelta
    since: timedelta

    def __call__(self, log: Anchored) -> "ir.Table":
        rows = self.rows(log)
        part = ((rows.at_us + self.since // MICROSECOND) // (self.length // MICROSECOND)).cast("int64")
        place = ibis.row_number().over(ibis.window(group_by=part, order_by=[rows["hash"].asc(), rows["id"].asc()]))
        ranked = rows.mutate(place=place)
        return ranked.filter(ranked.place < self.size).drop("place")


@dataclass(frozen=True, slots=True)
class _Hours(_Counted):
    """How many there are in each hour; the origin lies `since` after the full hour from which hours are counted."""

    since: timedelta

    def __call__(self, log: Anchored) -> "ir.Table":
        calls = self.read(log)
        hour = ((calls.at_us + self.since // MICROSECOND) // (_HOUR // MICROSECOND)).cast("int64")
        return calls.group_by(hour=hour).agg(calls=lambda table: table.count())


def _after(time: datetime, length: timedelta) -> timedelta:
    """How long after the beginning of its window of a length, from 1970 on, a time is."""
    return (time - EPOCH) % length


def _texts(stream: AnyStream) -> tuple[Stream, ...]:
    """The columns that a stream reads."""
    return STREAMS if stream == PAIRS else (stream,)


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)  # noqa: PLR0124 - NaN is not equal to itself


def hours(
    log: Calls, stream: AnyStream, span: Window, segment: Segment, max_duration: timedelta
) -> dict[datetime, int]:
    """How many calls with a text of the stream each hour of a span has; hours without any are absent."""
    since = _after(span.start, _HOUR)
    counts = ask(log, span.start, _Hours(stream, segment, span.end - span.start, max_duration, since))
    return {
        span.start - since + int(number) * _HOUR: int(calls)
        for number, calls in zip(counts["hour"], counts["calls"], strict=True)
    }
