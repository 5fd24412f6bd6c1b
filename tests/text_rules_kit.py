"""Text windows without texts: lines of windows made by hand, in the store or beside it, and the rules that read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import select
from test_health import configured, progress, slack

from alerts.notifier import Message
from config.alerts import Rule
from detectors.measurement import Key, Reason, Segment, Value, Window
from monitor.counters import Counters
from monitor.house import House, Watched
from monitor.meter import Meter
from monitor.reading.desk import TextDesk
from monitor.store import baselines, outbox, states, texts
from monitor.store.database import Database
from monitor.store.tables import BaselineRow, OutboxRow, TransitionRow
from monitor.store.texts import TextMeasured
from monitor.textlines import text_lines
from monitor.textrules import Lines, decide_texts
from monitor.textwatch import MeasuredWindow

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SOON = 2 * MINUTE  # after a window has closed it was measured
CHAT, MAIL = Segment.of(service="chat"), Segment.of(service="mail")
TOO_FEW = Value(None, n=3, reason=Reason.TOO_FEW)
NONE = Value(None, n=0, reason=Reason.NO_VALUES)


def a_rule(**changes: Any) -> Rule:
    return Rule.model_validate({"measure": "out_of_distribution_ratio", "above": 0.2, "by": ["service"]} | changes)


def around(number: float | None) -> Value:
    """A number with an interval of a tenth around it; None is a window without texts."""
    return NONE if number is None else Value(number, number - 0.1, number + 0.1, 200)


class Unread:
    """A source whose calls nobody reads here."""

    columns = frozenset({"service", "prompt", "response"})

    def oldest(self) -> None:
        """There is nothing to learn from."""


def house_with(store: Database, *rules: Rule, replay: bool = False, **changes: Any) -> House:
    """A service with some rules, `r0` the first, and a receiver that is told of everything at once."""
    named = {f"r{number}": each for number, each in enumerate(rules)}
    settings = configured(rules=named, receivers={"slack": slack()}, **changes)
    source = settings.sources["app"]
    watched = Watched("app", source, Unread(), Meter.of(settings, source, []))  # type: ignore[arg-type]
    return House(settings, store, {"app": watched}, Counters(), TextDesk(settings.text), replay=replay)


@dataclass
class Written:
    """Lines in the store, as the reader of texts writes them: against a baseline of each role, hour after hour."""

    store: Database
    segment: Segment = CHAT
    stream: str = "prompt"
    lines: Lines = text_lines
    findings: Mapping[str, Any] = field(default_factory=dict)
    measure: str = "out_of_distribution_ratio"

    def begin(self, role: str = "rolling", **changes: Any) -> None:
        """A baseline in use."""
        row: dict[str, Any] = {
            "source": "app",
            "segment": texts.segment_text(self.segment),
            "stream": self.stream,
            "version": role,
            "state": "accepted",
            "pinned": role == "pinned",
            "fitted_at": NOON - 2 * DAY,
            "fitted_from": NOON - 30 * DAY,
            "fitted_until": NOON - DAY,
            "length_s": 3600,
            "read_until": NOON - DAY,
            "facts": {},
            "body": b"",
        }
        with self.store.transaction() as session:
            baselines.add(session, BaselineRow(**row | changes))
            for segment in (CHAT, MAIL):
                states.admit(session, "app", ("service",), {segment: NOON - 30 * DAY})

    def window(self, end: datetime, value: Value, role: str = "rolling", key: Key | None = None) -> None:
        """What was measured of the window that ended then."""
        key = key or Key.of(self.measure)
        labels = (*key.labels, *((("stream", self.stream),) if self.stream != "response_given_prompt" else ()))
        with self.store.transaction() as session:
            (stored,) = [each for each in baselines.known(session, "app") if self._is(each, role)]
            window = Window(end - timedelta(seconds=stored.length_s), end)
            measured = TextMeasured(
                "app",
                self.segment,
                self.stream,
                window,
                role,
                {Key(key.name, tuple(sorted(labels))): value},
                self.findings,
            )
            texts.save(session, [measured])
            baselines.note_read(session, stored, max(end, stored.read_until))

    def _is(self, stored: Any, role: str) -> bool:
        return bool((stored.version, stored.segment, stored.stream) == (role, self.segment, self.stream))


@dataclass(frozen=True)
class GivenLine:
    """A line without a store."""

    name: str
    segment: Segment
    labels: Mapping[str, str]
    length: timedelta
    given: Sequence[MeasuredWindow]

    @property
    def until(self) -> datetime:
        return self.given[-1].window.end

    def names(self, measure: str) -> frozenset[str] | None:
        return frozenset(self.labels) if measure == "out_of_distribution_ratio" else None

    def windows(self, after: datetime) -> list[MeasuredWindow]:
        return [each for each in self.given if each.window.start >= after]

    def past(self, windows: Sequence[Window], key: Key) -> list[Value | None]:
        known = {each.window: each.values.get(key) for each in self.given}
        return [known.get(each) for each in windows]


@dataclass
class Given:
    """The same lines without a store: whatever measures windows of its own can be followed so."""

    store: Database
    given: dict[str, GivenLine] = field(default_factory=dict)
    findings: Mapping[str, Any] = field(default_factory=dict)

    def lines(self, *_: object) -> list[GivenLine]:
        return [each for each in self.given.values() if each.given]

    def begin(self, role: str = "rolling") -> None:
        self.given[role] = GivenLine(f"given {role}", CHAT, {"stream": "prompt", "baseline": role}, HOUR, ())

    def window(self, end: datetime, value: Value, role: str = "rolling") -> None:
        line = self.given[role]
        key = Key.of("out_of_distribution_ratio", baseline=role, stream="prompt")
        calls = tuple(call for topic in self.findings.get("new", ()) for call in topic["exemplars"])
        made = MeasuredWindow(Window(end - HOUR, end), {key: value}, lambda _: calls)
        others = [each for each in line.given if each.window != made.window]
        given = sorted([*others, made], key=lambda each: each.window.end)
        self.given[role] = replace(line, given=given)


def follow(house: House, made: "Written | Given", now: datetime, complete_until: datetime | None = None) -> None:
    """One look of the rules at what was measured, with the source complete up to then unless it is said otherwise."""
    progress(house.database, complete_until=complete_until or now)
    lines: Callable[..., Any] = made.lines
    decide_texts(house, house.sources["app"], now, lines=lines)


def changes(store: Database) -> list[str]:
    """Every change of state: rule, what it is, when, and why nobody was told."""
    with store.reading() as session:
        rows = session.exec(select(TransitionRow).order_by(TransitionRow.id)).all()  # type: ignore[arg-type]
    return [f"{row.rule} {row.to_state} {row.at:%H:%M}" + (f" {row.held}" if row.held else "") for row in rows]


def messages(store: Database) -> list[Message]:
    """Every message that was made, in order."""
    with store.reading() as session:
        rows = session.exec(select(OutboxRow).order_by(OutboxRow.id)).all()  # type: ignore[arg-type]
    return [outbox.message_of(row) for row in rows]


def said(store: Database) -> list[str]:
    """The same in words."""
    return [f"{each.action} {' '.join(view.labels['rule'] for view in each.alerts)}" for each in messages(store)]
