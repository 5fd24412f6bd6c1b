"""Labels meet the calls that they are about: by the id of the call, of the step around it, or of its trace."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from config.labels import Traces
from monitor.house import House, Watched
from monitor.labels.calls import Answered, completed_at, within
from monitor.labels.files import Given, LabelFile
from monitor.records import Bad
from monitor.store.labels import Vote

_NO_TRACES: Final = "its id is that of no call, and traces are ignored"

Times = Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Joined:
    """Votes by the source of their call, and the labels that found none."""

    votes: Mapping[str, Sequence[Vote]] = field(default_factory=dict)
    bad: Sequence[Bad] = ()


@dataclass(frozen=True, slots=True)
class Looking:
    """How calls are looked up.

    Attributes:
        since, now: when they were started.
        source: theirs; empty is the one in which each is found.
        traces: which call a label is about that names a step around it, or a trace; None asks for the call itself.
    """

    since: datetime
    now: datetime
    source: str = ""
    traces: Traces | None = None


def join(house: House, read: LabelFile, looking: Looking) -> Joined:
    """The call of each label.

    Raises:
        SourceError: a source cannot be read.
    """
    sources = [each for name, each in house.sources.items() if looking.source in ("", name)]
    times = {each.name: _times(each, read.given, looking) for each in sources}
    around = _around(sources, read.given, times, looking)
    votes: dict[str, list[Vote]] = {}
    bad: list[Bad] = []
    for each in read.given:
        found = _found(each, times, around, looking)
        if isinstance(found, str):
            bad.append(Bad(each.line, found))
            continue
        source, call, at = found
        who, said = each.who or read.path.stem, each.said
        given_at = each.given_at or looking.now
        votes.setdefault(source, []).append(
            Vote(call, each.criterion, who, at, said.passed, "import", given_at, said.score)
        )
    # Of two things that a person says of a call the later one counts.
    return Joined({name: sorted(mine, key=lambda vote: vote.given_at) for name, mine in votes.items()}, bad)


_Around = Mapping[str, Mapping[str, Sequence[Answered]]]


def _found(
    given: Given, times: Mapping[str, Times], around: _Around, looking: Looking
) -> tuple[str, str, datetime] | str:
    """Source, call and time of a label, or why there is none."""
    mine = _source_of(given, times, only=looking.traces is None)
    at = None if mine is None else times[mine].get(given.call_id, given.at)
    if mine is not None and at is not None:
        return mine, given.call_id, at
    if looking.traces is None:
        return _missing(given, times, looking.since)
    if looking.traces == "ignore":
        return _NO_TRACES
    for step in _steps(given):
        for source, calls in around.items():
            inside = calls.get(step, ())
            if inside and (len(inside) == 1 or looking.traces == "last_call"):
                last = max(inside, key=lambda each: (each.at, each.id))
                return source, last.id, last.at
            if inside:
                return f"it is about {len(inside)} calls together; with traces: last_call it counts for the last"
    return f"no call of the log since {looking.since:%Y-%m-%d} has its id, is a step of it, or has its trace"


def _around(
    sources: Sequence[Watched], given: Sequence[Given], times: Mapping[str, Times], looking: Looking
) -> dict[str, dict[str, list[Answered]]]:
    """By source, the calls inside of the steps and traces of those labels that no source has the call of."""
    if looking.traces in (None, "ignore"):
        return {}
    known = {call for mine in times.values() for call in mine}
    wanted = [step for each in given if each.call_id not in known for step in _steps(each)]
    return {each.name: within(each, wanted, looking.since, looking.now) for each in sources} if wanted else {}


def _steps(given: Given) -> Iterator[str]:
    yield from (each for each in (given.call_id, given.trace_id) if each)


def _times(watched: Watched, given: Sequence[Given], looking: Looking) -> dict[str, datetime]:
    ids = [each.call_id for each in given if each.call_id]
    with watched.using:
        return completed_at(watched, ids, looking.since, looking.now) if ids else {}


def _source_of(given: Given, times: Mapping[str, Times], *, only: bool) -> str | None:
    """The source of a call: the one that is named, the one that has it, where there is one only that."""
    if given.source:
        return given.source if given.source in times else None
    found = next((name for name, mine in times.items() if given.call_id in mine), None)
    return next(iter(times)) if only and found is None and len(times) == 1 else found


def _missing(given: Given, times: Mapping[str, object], since: datetime) -> str:
    if given.source and given.source not in times:
        return f"its source is none of {', '.join(times)}"
    if given.at is None:
        return f"no call of the log since {since:%Y-%m-%d} has this call_id; or say at: when the call was completed"
    return "no source has this call: name its source, in a column or with --source"
