"""The sample of a window: the calls whose text is read, chosen inside the engine by the hash of their id.

The same window gives the same sample on every engine and in any order of rows, and a longer sample begins with the
shorter one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import ibis

from detectors.derived import MICROSECOND, ended_between
from detectors.drift.budget import Stream as AnyStream
from detectors.engine import fetch
from detectors.measurement import Segment, Window
from detectors.protocols import Calls
from detectors.segments import combination, combination_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

Stream = Literal["prompt", "response"]
STREAMS: tuple[Stream, ...] = ("prompt", "response")
PAIRS: Final = "response_given_prompt"  # calls with both texts: what is answered to what

LONGEST_TEXT = 32_000  # characters that are fetched of a text: what comes after them is not read
SAMPLE_VERSION = 1  # part of every baseline's identity: another choice of calls is another sample


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


@dataclass(frozen=True, slots=True)
class Sampling:
    """How samples are drawn.

    Attributes:
        size: calls at most.
        max_duration: calls that took longer are left out.
    """

    size: int
    max_duration: timedelta

    def draw(self, log: Calls, stream: AnyStream, window: Window, segment: Segment) -> Sample:
        """One query: at most `size` rows come back, whatever the window holds.

        A response counts when its call succeeded, and so does a pair of both; a prompt always does, unless the call was
        cancelled. A text that the log cut is left out: its end would look like a change of style.
        """
        rows = self._rows(log, stream, window, segment)
        return self._sample(
            rows.order_by(rows["hash"].asc(), rows["id"].asc()).limit(self.size), stream, window, segment
        )

    def draw_each(self, log: Calls, stream: AnyStream, window: Window, segment: Segment, length: timedelta) -> Sample:
        """As `draw`, but at most `size` rows of each window of a length (from 1970 on) within `window`, in one query.

        The calls of one such window are those that `draw` gives for it.
        """
        rows = self._rows(log, stream, window, segment)
        part = (rows.at_us // (length // MICROSECOND)).cast("int64")
        place = ibis.row_number().over(ibis.window(group_by=part, order_by=[rows["hash"].asc(), rows["id"].asc()]))
        ranked = rows.mutate(place=place)
        return self._sample(ranked.filter(ranked.place < self.size).drop("place"), stream, window, segment)

    def _sample(self, rows: "ir.Table", stream: AnyStream, window: Window, segment: Segment) -> Sample:
        frame = fetch(rows)
        order = sorted(range(len(frame)), key=lambda row: (frame["hash"][row], frame["id"][row]))
        column = {name: [frame[name][row] for row in order] for name in frame.columns}
        return Sample(
            window=window,
            segment=segment,
            stream=stream,
            ids=[str(each) for each in column["id"]],
            ended_us=[int(each) for each in column["at_us"]],
            texts=[str(each) for each in column["text"]],
            users=[each if isinstance(each, str) else None for each in column["user_id"]],
            sessions=[each if isinstance(each, str) else None for each in column["session_id"]],
            population=int(column["population"][0]) if order else 0,
            answers=[str(each) for each in column.get("answer", ())],
        )

    def _rows(self, log: Calls, stream: AnyStream, window: Window, segment: Segment) -> "ir.Table":
        columns = segment.columns
        texts = _texts(stream)
        read = tuple(dict.fromkeys(("id", "user_id", "session_id", "text_truncated", *texts, *columns)))
        calls = ended_between(log, window.start, window.end, self.max_duration, read)
        counted = ~calls.cancelled if stream == "prompt" else calls.ok
        calls = calls.filter(
            counted, ~calls.text_truncated.fill_null(False), *(calls[each].notnull() for each in texts)
        )
        if columns:
            calls = calls.filter(combination(calls, columns) == combination_of(segment))
        return calls.select(
            "id",
            "at_us",
            "user_id",
            "session_id",
            text=calls[texts[0]].left(LONGEST_TEXT),
            hash=md5(calls.id),
            population=calls.started_us.count().over(ibis.window()),
            **({"answer": calls[texts[1]].left(LONGEST_TEXT)} if stream == PAIRS else {}),
        )


def _texts(stream: AnyStream) -> tuple[Stream, ...]:
    """The columns that a stream reads."""
    return STREAMS if stream == PAIRS else (stream,)


def hours(
    log: Calls, stream: AnyStream, span: Window, segment: Segment, max_duration: timedelta
) -> dict[datetime, int]:
    """How many calls with a text of the stream each hour of a span has; hours without any are absent."""
    texts = _texts(stream)
    calls = ended_between(log, span.start, span.end, max_duration, (*texts, *segment.columns))
    calls = calls.filter(*(calls[each].notnull() for each in texts))
    if segment.columns:
        calls = calls.filter(combination(calls, segment.columns) == combination_of(segment))
    hour = (calls.at_us // 3_600_000_000).cast("int64")
    counts = fetch(calls.group_by(hour=hour).agg(calls=lambda table: table.count()))
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return {
        epoch + timedelta(hours=int(number)): int(calls)
        for number, calls in zip(counts["hour"], counts["calls"], strict=True)
    }
