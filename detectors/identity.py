"""Which model answered: the names and fingerprints in the log, and which of them are news.

A provider changes what is behind a name without asking; what it says of itself is in three columns.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import ibis

from detectors.anchored import Anchored, ask
from detectors.derived import MICROSECOND
from detectors.measurement import NONE, Window
from detectors.protocols import Calls
from detectors.segments import label

if TYPE_CHECKING:
    import ibis.expr.types as ir

IDENTIFYING = ("model", "response_model", "system_fingerprint")

# Values that are kept of a source and column; a column that holds ids must not fill the store.
MOST_KEPT = 200
# Values of a column that one query reports, those with most calls first.
MOST_SEEN = 1_000
# Events of a source and column on one day (UTC); further values are kept and nobody hears of them.
MOST_NEWS = 5
# Values that come within this time after the first of their service and column were there all along.
QUIET = timedelta(hours=1)
# A value that was away for so long while others answered is news again when it comes back.
AWAY = timedelta(days=1)
# What was usual before a new value came is looked up over this time.
USUAL = timedelta(hours=1)

_DAY_US = 86_400_000_000

Place = tuple[str, str]  # column, service
Name = tuple[str, str, str]  # column, service, value


@dataclass(frozen=True, slots=True)
class Seen:
    """A value of a column in the calls of one service within a day or less: when it first and last came, and in how
    many calls.

    `service` is `__none__` where calls do not name one.
    """

    column: str
    service: str
    value: str
    first: datetime
    last: datetime
    calls: int

    @property
    def name(self) -> Name:
        """What it is, whenever it came."""
        return self.column, self.service, self.value

    @property
    def place(self) -> Place:
        """Where it is one of possibly several."""
        return self.column, self.service


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a value: when it first came, or came back after it had been away, when it last came, and
    whether the first was an event."""

    first: datetime
    last: datetime
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class Learnt:
    """What some calls taught.

    Attributes:
        known: the values that are new or came again, as they are remembered now.
        news: those that are an event, oldest first.
        dropped: calls with values that are not kept, by column.
    """

    known: Mapping[Name, Known] = field(default_factory=dict)
    news: Sequence[Seen] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)


def seen(log: Calls, span: Window, max_duration: timedelta) -> list[Seen]:
    """The values in the calls that ended within a span, each day of it for itself: one query, none where the log has no
    such column."""
    columns = tuple(column for column in IDENTIFYING if column in log.columns)
    if not columns:
        return []
    frame = ask(log, span.start, _Values(span.length, columns, max_duration))
    rows = frame[["which", "service", "value", "first", "last", "calls"]].itertuples(index=False, name=None)
    return [
        Seen(
            columns[int(which)],
            service,
            value,
            span.start + int(first) * MICROSECOND,
            span.start + int(last) * MICROSECOND,
            int(calls),
        )
        for which, service, value, first, last, calls in rows
    ]


def usual_before(log: Calls, new: Seen, max_duration: timedelta) -> str | None:
    """The value with most calls of the same service and column just before a new one came; None where none had any."""
    span = Window(new.first - USUAL, new.first)
    before = [each for each in seen(log, span, max_duration) if each.place == new.place and each.value != new.value]
    return min(before, key=lambda each: (-each.calls, each.value)).value if before else None


def was_replaced(log: Calls, back: Seen, max_duration: timedelta) -> bool:
    """Whether others answered on the day before a value came back: after days without any call all come back."""
    span = Window(back.first - AWAY, back.first - QUIET)
    return any(each.place == back.place and each.value != back.value for each in seen(log, span, max_duration))


def learn(known: Mapping[Name, Known], found: Iterable[Seen]) -> Learnt:
    """What some calls teach, given what is known: a value is news when its service and column were known before it,
    and when it comes back after a day on which others answered.

    How calls are cut into spans makes no difference, as long as they are read in order; calls that are read again
    teach nothing.
    """
    ordered = sorted(found, key=lambda each: (each.first, each.name))
    since = _since(known, ordered)
    kept, told = _counts(known)
    changed: dict[Name, Known] = {}
    news, dropped = [], dict[str, int]()
    for each in ordered:
        before = changed.get(each.name, known.get(each.name))
        if before is None and kept.get(each.column, 0) >= MOST_KEPT:
            dropped[each.column] = dropped.get(each.column, 0) + each.calls
            continue
        day = (each.column, each.first.date())
        if before is None:
            kept[each.column] = kept.get(each.column, 0) + 1
            is_news = each.first > since[each.place] + QUIET
        else:
            is_news = _is_back(each, before, {**known, **changed})
        is_told = is_news and told.get(day, 0) < MOST_NEWS
        if is_told:
            told[day] = told.get(day, 0) + 1
            news.append(each)
        if before is None or is_news:
            changed[each.name] = Known(each.first, each.last, is_told)
        else:
            changed[each.name] = Known(before.first, max(before.last, each.last), before.is_news)
    return Learnt(changed, news, dropped)


def _is_back(each: Seen, before: Known, all_: Mapping[Name, Known]) -> bool:
    """Whether a known value was away, and others of its service and column came since; see `was_replaced`."""
    if each.first - before.last < AWAY:
        return False
    others = (known for name, known in all_.items() if name[:2] == each.place and name != each.name)
    return any(known.last > before.last for known in others)


def said(new: Seen, before: str | None) -> str:
    """A new value in words: `support: gpt-x → gpt-y (response_model)`."""
    where = "" if new.service == NONE else f"{new.service}: "
    change = new.value if before is None else f"{before} → {new.value}"
    return f"{where}{change} ({new.column})"


def latest(known: Mapping[Name, Known], new: Seen) -> str | None:
    """The value of the same service and column that came last, as far as is known."""
    others = [(each.last, name[2]) for name, each in known.items() if name[:2] == new.place and each.first < new.first]
    return max(others)[1] if others else None


def _since(known: Mapping[Name, Known], found: Iterable[Seen]) -> dict[Place, datetime]:
    """When the first value of each column and service came."""
    since: dict[Place, datetime] = {}
    firsts = [((column, service), each.first) for (column, service, _), each in known.items()]
    for place, first in [*firsts, *((each.place, each.first) for each in found)]:
        since[place] = min(since.get(place, first), first)
    return since


def _counts(known: Mapping[Name, Known]) -> tuple[dict[str, int], dict[tuple[str, date], int]]:
    """How many values of each column are kept, and how many were an event on each day."""
    kept: dict[str, int] = {}
    told: dict[tuple[str, date], int] = {}
    for (column, _, _), each in known.items():
        kept[column] = kept.get(column, 0) + 1
        if each.is_news:
            day = (column, each.first.date())
            told[day] = told.get(day, 0) + 1
    return kept, told


@dataclass(frozen=True, slots=True)
class _Values:
    """The query of `seen`."""

    span: timedelta
    columns: tuple[str, ...]
    max_duration: timedelta

    def __call__(self, log: Anchored) -> "ir.Table":
        calls = log.ended(timedelta(0), self.span, self.max_duration, ("service", *self.columns))
        calls = calls.mutate(which=ibis.array(range(len(self.columns))).unnest().cast("int64"))
        cases = [(calls.which == number, label(calls[name])) for number, name in enumerate(self.columns)]
        calls = calls.select("which", "at_us", service=label(calls.service), value=ibis.cases(*cases, else_=NONE))
        values = calls.filter(calls["value"] != NONE)
        # No value can be away for a day within one: so however long the span is, nothing hides in it.
        values = values.mutate(day=(values.at_us // _DAY_US).cast("int64"))
        found = values.group_by("which", "service", "value", "day").agg(
            calls=lambda table: table.count(), first=values.at_us.min(), last=values.at_us.max()
        )
        order = [found.calls.desc(), found["service"].asc(), found["value"].asc()]
        rank = ibis.row_number().over(group_by=[found.which, found.day], order_by=order)
        return found.mutate(rank=rank).filter(lambda table: table["rank"] < MOST_SEEN)
