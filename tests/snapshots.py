"""A snapshot of a service in trouble, for the tests of everything that shows one."""

from datetime import UTC, datetime, timedelta

from alerts.rules import State
from detectors.catalogue import MEASUREMENTS
from detectors.judge_catalogue import JUDGED
from detectors.measurement import OTHER, Key, Measured, Reason, Segment, Value, Window
from detectors.text_catalogue import TEXTS
from monitor.counters import Counters
from monitor.snapshot import (
    AlertStatus,
    ChannelStatus,
    JudgeStatus,
    OneJudgeStatus,
    Snapshot,
    SourceStatus,
    TextStatus,
    TransitionStatus,
)

NOW = datetime(2026, 3, 5, 14, 30, 20, tzinfo=UTC)
END = datetime(2026, 3, 5, 14, 29, tzinfo=UTC)
FRESH_FOR = timedelta(minutes=5)
WHOLE = Segment()


def ago(**length: float) -> datetime:
    """A moment before `NOW`."""
    return NOW - timedelta(**length)


def measured(
    segment: Segment = WHOLE, *, source: str = "chat", calls: int = 240, end: datetime = END, seconds: int = 60
) -> Measured:
    """One window with a value for every measurement there is."""
    window = Window(end - timedelta(seconds=seconds), end)
    values = {key: Value(0.25, n=calls) for spec in MEASUREMENTS for key in keys(spec.name, spec.labels)}
    failed = calls // 30
    ratio = failed / calls
    values |= {
        Key.of("calls"): Value(calls, n=calls),
        Key.of("calls_per_second"): Value(calls / seconds, n=calls),
        Key.of("error_ratio"): Value(ratio, ratio / 2, ratio * 2, calls),
        Key.of("latency_seconds", percentile="50"): Value(0.84, n=calls),
        Key.of("latency_seconds", percentile="95"): Value(3.1, n=calls),
        Key.of("time_to_first_token_seconds", percentile="95"): Value(0.412, n=calls),
        Key.of("tokens_per_second", type="input"): Value(calls * 13.7, n=calls),
        Key.of("tokens_per_second", type="output"): Value(calls * 2.25, n=calls),
        Key.of("cost_usd"): Value(calls * 0.0021, n=calls),
        Key.of("cache_hit_ratio"): Value(None, reason=Reason.MISSING_COLUMN),
    }
    return Measured(source, segment, window, values)


def keys(name: str, labels: tuple[tuple[str, tuple[str, ...]], ...]) -> list[Key]:
    """Every key of a measurement that has one label at most."""
    if not labels:
        return [Key.of(name)]
    ((label, choices),) = labels
    return [Key.of(name, **{label: choice}) for choice in choices or ("thumbs",)]


def read_texts() -> TextStatus:
    """A text stream with one window that has a value for every measurement of texts there is."""
    hour, labels = Window(END - timedelta(hours=1), END), {"descriptor": ("tokens",), "topic": ("refunds",)}
    values = {
        Key.of(
            spec.name, **{name: (labels.get(name) or choices or ("en",))[0] for name, choices in spec.labels}
        ): Value(0.25, n=200)
        for spec in TEXTS
    }
    values |= {
        Key.of("drift_evidence", baseline="rolling", channel=each, stream="prompt"): Value(0.2)
        for each in ("all", "mix")
    }
    measured = Measured("chat", WHOLE, hour, values)
    return TextStatus("chat", WHOLE, "prompt", "ready", 28.0, 28.0, baseline="1b0e", measured=measured)


def judged() -> JudgeStatus:
    """One judge with a value for every measurement of judges there is."""
    keys = [Key.of(spec.name, **{name: (choices or ("x",))[0] for name, choices in spec.labels}) for spec in JUDGED]
    window = Window(END - timedelta(hours=1), END)
    measured = Measured("chat", WHOLE, window, {key: Value(0.1, 0.05, 0.2, 90) for key in keys})
    return JudgeStatus((OneJudgeStatus("house", "gpt-4o-mini", "ok"),), 5.0, 1.25, 0.5, measured=(measured,))


def nothing_measured(segment: Segment) -> Measured:
    """A window in which the segment had no calls."""
    values = {
        Key.of("calls"): Value(0, n=0),
        Key.of("error_ratio"): Value(None, n=0, reason=Reason.NO_CALLS),
        Key.of("latency_seconds", percentile="50"): Value(None, n=0, reason=Reason.NO_CALLS),
    }
    return Measured("chat", segment, Window(END - timedelta(minutes=1), END), values)


def sources() -> tuple[SourceStatus, ...]:
    """One source that is well and one that fails."""
    failure = "PostgreSQL at db.internal does not answer: connection refused. Is the server running?"
    return (
        SourceStatus(
            "chat", "files", "ok", ago(seconds=12), ago(seconds=72), END, ago(seconds=14), 80.0, 1_284_301, {"no id": 3}
        ),
        SourceStatus(
            "search",
            "table",
            "failing",
            ago(hours=2),
            ago(hours=2),
            ago(hours=2),
            ago(hours=2),
            7230.0,
            None,
            {},
            failure,
        ),
    )


def alerts() -> tuple[AlertStatus, ...]:
    """One of each state that is shown."""
    model = Segment.of(service="support", model="gpt-4o")
    condition = "above 0.05 (clears at 0.02) over 5m for 2m"
    p95 = (("percentile", "95"),)
    return (
        AlertStatus(
            "slow-answers", "chat", model, p95, State.PENDING, "warning", ago(minutes=1), 4.2, "above 4 over 5m"
        ),
        AlertStatus("errors", "chat", model, (), State.FIRING, "critical", ago(minutes=31), 0.1234567, condition),
        AlertStatus(
            "no-traffic", "search", Segment(), (), State.NO_DATA, "error", ago(hours=2), None, "below 1", "stale"
        ),
        AlertStatus("drift", "chat", Segment.of(route="x"), (), State.ERROR, "info", ago(hours=3), None, "above 1"),
    )


def transitions() -> tuple[TransitionStatus, ...]:
    """A firing that was sent and one that was held back."""
    model = Segment.of(service="support", model="gpt-4o")
    return (
        TransitionStatus("errors", "chat", model, (), State.PENDING, State.FIRING, ago(minutes=31), 0.12),
        TransitionStatus(
            "errors", "chat", Segment(), (), State.FIRING, State.INACTIVE, ago(hours=9), 0.01, "recovered", "stale"
        ),
    )


def snapshot(**changes: object) -> Snapshot:
    """The snapshot; keyword arguments replace fields."""
    counters = Counters({"source": ["chat", "search"], "channel": ["oncall", "slack"]})
    counters.add("rows", amount=1200, source="chat")
    counters.add("quarantined", amount=3, source="chat", reason="no id")
    counters.observe("cycle_seconds", 0.3, source="chat")
    segments = [
        Segment(),
        Segment.of(service="support"),
        Segment.of(service=OTHER),
        Segment.of(service="support", model="gpt-4o"),
        Segment.of(service="support", model="claude-sonnet-4-5"),
    ]
    fields: dict[str, object] = {
        "at": NOW,
        "windows": (
            *(measured(segment, calls=240 - 40 * number) for number, segment in enumerate(segments)),
            nothing_measured(Segment.of(service="billing")),
            measured(source="search", end=END - timedelta(hours=2)),
        ),
        "ends": {("chat", 60): END, ("chat", 300): END, ("search", 60): END - timedelta(hours=2)},
        "alerts": alerts(),
        "sources": sources(),
        "channels": (
            ChannelStatus("slack", "slack", "ok", ago(minutes=30)),
            ChannelStatus("oncall", "pagerduty", "failing", None, ago(minutes=20), "unauthorized", 2),
        ),
        "transitions": transitions(),
        "counters": counters.counted(),
    }
    return Snapshot(**(fields | changes))  # type: ignore[arg-type]
