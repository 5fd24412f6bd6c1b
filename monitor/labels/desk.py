"""What a person labels next, and what becomes of what they say: behind the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from detectors.judge.criterion import Criterion
from detectors.judge.prompt import LABELS, Item
from monitor.clean import clean_lines
from monitor.house import House
from monitor.labels.calls import item_of
from monitor.labels.words import read_verdict
from monitor.store import labels
from monitor.store.labels import Draw, Vote

SHOWN: Final = 20_000  # characters of a text
_SKIPPED: Final = 20  # calls that the log does not have any more, before the page gives up


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person may say to a question, and what it means."""

    word: str
    means: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about the call."""

    criterion: str
    question: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One call to label.

    Attributes:
        texts: what it says by name, redacted, as far as the questions need it. Never what the judge says of it: people
            who know that agree with it.
        left: calls that wait after it.
    """

    source: str
    call_id: str
    at: datetime
    texts: Sequence[tuple[str, str]]
    asked: Sequence[Asked]
    left: int


class LabelDesk:
    """The calls of a service that were drawn to be labelled."""

    def __init__(self, house: House, criteria: Mapping[str, Criterion]) -> None:
        self._house = house
        self._criteria = criteria

    @property
    def sources(self) -> list[str]:
        """Names of the sources."""
        return list(self._house.sources)

    def next(self, source: str, who: str) -> Sheet | None:
        """The next call for a person; None when nothing waits, or the log has none of it any more.

        Raises:
            SourceError: the source cannot be read.
            KeyError: there is no such source.
        """
        watched = self._house.sources[source]
        with self._house.database.reading() as session:
            waiting = [each for each in labels.waiting(session, source, who) if each.criterion in self._criteria]
        calls: dict[str, list[Draw]] = {}
        for each in waiting:
            calls.setdefault(each.call_id, []).append(each)
        for number, (call_id, drawn) in enumerate(list(calls.items())[:_SKIPPED]):
            at, criteria = drawn[0].at, [self._criteria[each.criterion] for each in drawn]
            item = item_of(watched, call_id, at, {need for each in criteria for need in each.shown})
            if item is not None:
                return _sheet(source, item, at, criteria, len(calls) - number - 1)
        return None

    def say(self, source: str, call_id: str, who: str, said: Mapping[str, str], now: datetime) -> int:
        """Keeps what a person says of a call that was drawn; how much of it is new.

        Args:
            source: of the call.
            call_id: the call.
            who: the person.
            said: pass, fail or unsure, by criterion.
            now: when it is said.

        Raises:
            UnreadableError: one of them is no verdict.
            KeyError: there is no such source.
        """
        self._house.sources[source]
        with self._house.database.transaction() as session:
            votes = []
            for drawn in labels.drawn(session, source, call_id):
                word, criterion = said.get(drawn.criterion), self._criteria.get(drawn.criterion)
                if word is not None and criterion is not None:
                    passed = read_verdict(word, None, criterion).passed
                    votes.append(Vote(call_id, drawn.criterion, who, drawn.at, passed, "page", now))
            return labels.keep(session, source, votes)


def _sheet(source: str, item: Item, at: datetime, criteria: Sequence[Criterion], left: int) -> Sheet:
    texts = [(label, item.text(need)) for need, label in LABELS.items()]
    shown = [(label, clean_lines(text, SHOWN)) for label, text in texts if text is not None]
    return Sheet(source, item.id, at, shown, [_asked(each) for each in criteria], left)


def _asked(criterion: Criterion) -> Asked:
    means: dict[bool, list[str]] = {True: [], False: []}
    for option in criterion.options:
        passes = criterion.passes(option.word)
        if passes is not None:
            means[passes].append(f"{option.word}: {option.means}" if option.means else option.word)
    choices = [Choice("pass", " / ".join(means[True])), Choice("fail", " / ".join(means[False]))]
    return Asked(criterion.name, criterion.question, (*choices, Choice("unsure", "the texts do not let you decide")))
