"""How often each rule would have fired on the past, and for how long: a replay, counted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median

from alerts.rules import ACTIVE, AlertId, State
from alerts.watch import Readings
from config.alerts import Rule
from config.load import Loaded
from monitor.house import House, Watched, is_about_judge, is_about_texts
from monitor.recording import Course, Recorder, of_judge, of_texts
from monitor.replay import replay, scratch
from monitor.replay_texts import nobody
from monitor.store.states import alert_id_of
from monitor.store.tables import TransitionRow
from monitor.suggestion import Span, Suggestion, Wish, suggest

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from its first moment to its last; `ended` is None while it goes on at the end of the span.

    `states` are all that it was in: firing, no_data, error.
    """

    alert: AlertId
    began: datetime
    ended: datetime | None
    states: frozenset[State]


@dataclass(slots=True)
class Episodes:
    """Collects the changes of state of alerts, in order of time."""

    _open: dict[AlertId, tuple[datetime, frozenset[State]]] = field(default_factory=dict)
    _done: list[Episode] = field(default_factory=list)

    def note(self, alert: AlertId, after: State, at: datetime) -> None:
        """Takes one change of state."""
        if after in ACTIVE:
            began, states = self._open.get(alert, (at, frozenset()))
            self._open[alert] = began, states | {after}
        elif alert in self._open:
            began, states = self._open.pop(alert)
            self._done.append(Episode(alert, began, at, states))

    def all(self) -> list[Episode]:
        """Every episode, those that go on included, by their start."""
        going_on = [Episode(alert, began, None, states) for alert, (began, states) in self._open.items()]
        return sorted([*self._done, *going_on], key=lambda each: (each.began, each.alert))


@dataclass(frozen=True, slots=True)
class Result:
    """What one rule would have done.

    Attributes:
        rule: its name.
        span: the stretch of event time that was looked at.
        episodes: of all its alerts.
        suggestion: the threshold for a wished number of alerts, where one was asked for.
        unread: why it has read nothing; empty where it has.
    """

    rule: str
    span: Span
    episodes: Sequence[Episode]
    suggestion: Suggestion | None = None
    unread: str = ""

    @property
    def fired(self) -> list[Episode]:
        """The episodes in which the condition was met; the others lacked data or were broken."""
        return [each for each in self.episodes if State.FIRING in each.states]

    @property
    def per_week(self) -> float:
        """Alerts in seven days."""
        return len(self.fired) * (WEEK / (self.span[1] - self.span[0]))

    @property
    def durations(self) -> list[float]:
        """How long each alert lasted, in seconds; one that goes on is counted to the end of the span."""
        return [((each.ended or self.span[1]) - each.began).total_seconds() for each in self.fired]

    def as_json(self) -> dict[str, object]:
        """The public shape; see docs/proving-alerts.md."""
        durations = self.durations
        return {
            "type": "backtest",
            "rule": self.rule,
            "from": self.span[0].isoformat(),
            "to": self.span[1].isoformat(),
            "alerts": len(self.fired),
            "per_7d": self.per_week,
            "firing_s": sum(durations),
            "median_s": median(durations) if durations else None,
            "longest_s": max(durations, default=None),
            "still_firing": sum(each.ended is None for each in self.fired),
            "places": len({each.alert for each in self.fired}),
            "without_data": sum(State.NO_DATA in each.states for each in self.episodes),
            "broken": sum(State.ERROR in each.states for each in self.episodes),
            "unread": self.unread or None,
            "suggestion": None if self.suggestion is None else self.suggestion.as_json(),
        }


def backtest(loaded: Loaded, rules: Sequence[str], span: Span, now: datetime, wish: Wish | None) -> Iterator[Result]:
    """What some rules would have done, in the order of the configuration.

    The replay runs in a store of its own, with no memory of alerts at its start; nobody is told of anything.

    Args:
        loaded: the configuration.
        rules: the rules by name.
        span: event time.
        now: the time.
        wish: how many alerts a person wants; None suggests nothing.

    Raises:
        SourceError: a source could not be read.
        detectors.embedder.EmbeddingError: the texts could not be embedded.
    """
    silent = {
        name: rule.model_copy(update={"receiver": []}) for name, rule in loaded.settings.rules.items() if name in rules
    }
    settings = loaded.settings.model_copy(update={"rules": silent, "receivers": {}})
    episodes = {name: Episodes() for name in silent}
    courses: dict[str, Course] = {name: [] for name in silent}

    def take(_: Readings, transitions: Iterable[TransitionRow]) -> None:
        for row in transitions:
            if row.rule in episodes:
                episodes[row.rule].note(alert_id_of(row), State(row.to_state), row.at)

    # Embedding takes long: texts are read only where a rule is about them.
    told = nobody if any(map(is_about_texts, silent.values())) else None
    with scratch(replace(loaded, settings=settings)) as house:
        for watched in house.sources.values():
            if wish is not None:
                house.pasts[watched.name] = Recorder.beside(house, watched, courses)
        replay(house, span, now, take, told)
        for watched in house.sources.values():
            _apart(house, watched, span, (episodes, courses))
    yield from _results(silent, span, episodes, courses, wish)


def _apart(
    house: House, watched: Watched, span: Span, found: tuple[Mapping[str, Episodes], Mapping[str, Course]]
) -> None:
    """Adds what rules have read of text windows and of judged ones."""
    episodes, courses = found
    for name, readings in of_texts(house, watched, span[0]):
        courses[name].append(readings)
    judged = of_judge(house, watched, span)
    for alert, transition in judged.transitions:
        episodes[alert.rule].note(alert, transition.after, transition.at)
    for name, readings in judged.courses:
        courses[name].append(readings)


def _results(
    rules: Mapping[str, Rule],
    span: Span,
    episodes: Mapping[str, Episodes],
    courses: Mapping[str, Course],
    wish: Wish | None,
) -> Iterator[Result]:
    for name, rule in rules.items():
        unread = "" if courses[name] else _unread(rule)
        suggestion = None
        if wish is not None:
            suggestion = (
                Suggestion(wish, None, why=unread) if unread else suggest(name, rule, courses[name], span, wish)
            )
        yield Result(name, span, episodes[name].all(), suggestion, unread)


def _unread(rule: Rule) -> str:
    """Why a rule with windows of its own has read nothing: that it did not fire says nothing then."""
    if is_about_texts(rule):
        return "no text window was read: no baseline is in use, or none was learnt before this span"
    return "no judged window of this span is kept, and a backtest asks no judge" if is_about_judge(rule) else ""
