"""The snapshot as Prometheus metrics; the only door to prometheus_client.

Two kinds of metrics leave here. `llm_…` gauges are what was measured: the newest closed window of each source and
segment, as long as it is fresh. `watchkeeper_…` is how the service itself is doing. Their own registry keeps out what a
library may put into the default one; of the usual extras only the process's memory, CPU and files are exported, as
`watchkeeper_process_…`, because a daemon that grows is an incident and the interpreter's internals are not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from alerts.rules import State
from detectors.catalogue import BY_NAME
from detectors.golden import GOLDEN_BY_NAME
from detectors.judge_catalogue import JUDGED_BY_NAME
from detectors.measurement import Labels, Measured
from detectors.text_catalogue import TEXTS_BY_NAME
from monitor.clean import clean_label
from monitor.counters import BUCKETS, COUNTERS, TIMERS, Counted, Timed
from monitor.snapshot import AlertStatus, EventStatus, JudgeStatus, ProofStatus, Snapshot

EXPORTED_STATES = (State.PENDING, State.FIRING, State.NO_DATA, State.ERROR)

LabelSet = tuple[str, ...]
Item = TypeVar("Item")


class Exporter:
    """Renders `/metrics` from the newest snapshot at each scrape."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        now: Callable[[], datetime],
        fresh_for: timedelta,
        version: str,
    ) -> None:
        """Builds the registry; nothing is read before the first scrape.

        Args:
            snapshot: called once a scrape, from any thread.
            now: the wall clock.
            fresh_for: how long after its end a window's numbers are exported; older ones would look like the present.
            version: of the service.
        """
        self._snapshot = snapshot
        self._now = now
        self._fresh_for = fresh_for
        self.version = version
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(namespace="watchkeeper", registry=self._registry)

    def render(self) -> bytes:
        """The metrics in Prometheus' text format, which every version of it reads."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """All metrics of this moment: the protocol of prometheus_client's collectors."""
        snapshot, now = self._snapshot(), self._now()
        columns = _columns(snapshot)
        yield from _measurements((row for row in _rows(snapshot) if self._is_fresh(row, now)), columns)
        yield _window_ends(snapshot)
        yield _alerts(snapshot.alerts, columns)
        yield _events(snapshot.events)
        yield from _health(snapshot, now)
        yield from _proof(snapshot.proof)
        yield from _judges(snapshot.judge)
        yield from _counted(snapshot.counters)
        version: dict[LabelSet, float] = {(clean_label(self.version),): 1}
        yield _gauge("watchkeeper_build_info", "The running version.", ("version",), version)

    def _is_fresh(self, row: Measured, now: datetime) -> bool:
        """A long window is the present of its source until the next one has closed and was read."""
        return row.window.end + max(self._fresh_for, 2 * row.window.length) >= now


def _rows(snapshot: Snapshot) -> list[Measured]:
    others = [text.measured for text in snapshot.texts] + [snapshot.golden.measured if snapshot.golden else None]
    others += list(snapshot.judge.measured) if snapshot.judge else []
    return [*snapshot.windows, *(measured for measured in others if measured is not None)]


def _columns(snapshot: Snapshot) -> tuple[str, ...]:
    """The columns of all segments: every gauge carries all of them, since an empty label is absent to Prometheus."""
    segments = [row.segment for row in _rows(snapshot)] + [alert.segment for alert in snapshot.alerts]
    return tuple(sorted({column for segment in segments for column in segment.columns}))


def _measurements(rows: Iterable[Measured], columns: tuple[str, ...]) -> Iterator[Metric]:
    samples: dict[str, dict[tuple[LabelSet, Labels], float]] = {}
    # The last one written wins: the newest window, and of windows that end together the shortest.
    for row in sorted(rows, key=lambda each: (each.window.end, -each.window.length_s)):
        place = (clean_label(row.source), *_values(row.segment.as_dict(), columns))
        for key, value in row.values.items():
            if value.value is not None:
                samples.setdefault(key.name, {})[place, key.labels] = value.value
            # A judge's number without its interval says nothing.
            for end, limit in (("lower", value.lower), ("upper", value.upper)) if key.name in JUDGED_BY_NAME else ():
                if limit is not None:
                    samples.setdefault(f"{key.name}_{end}", {})[place, key.labels] = limit
    for name, values in sorted(samples.items()):
        own = tuple(sorted({label for _, labels in values for label, _ in labels}))
        rendered = {(*place, *_values(dict(labels), own)): value for (place, labels), value in values.items()}
        yield _gauge(f"llm_{name}", _help(name), ("source", *columns, *own), rendered)


def _help(name: str) -> str:
    for end in ("lower", "upper"):
        if (judged := JUDGED_BY_NAME.get(name.removesuffix(f"_{end}"))) is not None and judged.name != name:
            return f"The {end} 95 % limit of llm_{judged.name}. Unit: {judged.unit}."
    spec = BY_NAME.get(name) or TEXTS_BY_NAME.get(name) or GOLDEN_BY_NAME.get(name) or JUDGED_BY_NAME.get(name)
    return f"{spec.meaning} Unit: {spec.unit}." if spec else f"The measurement {name}."


def _window_ends(snapshot: Snapshot) -> Metric:
    ends: dict[LabelSet, float] = {
        (clean_label(source), f"{length_s:.0f}"): end.timestamp() for (source, length_s), end in snapshot.ends.items()
    }
    text = "End of the newest closed window in event time, by its length in seconds: what the gauges speak of."
    return _gauge("llm_window_end_timestamp_seconds", text, ("source", "length"), ends)


def _alerts(alerts: Iterable[AlertStatus], columns: tuple[str, ...]) -> Metric:
    shown = [alert for alert in alerts if alert.state in EXPORTED_STATES]
    fixed = ("rule", "severity", "state", "source")
    own = tuple(sorted({label for alert in shown for label, _ in alert.labels} - {*fixed, *columns}))
    samples = {
        (
            *(clean_label(text) for text in (alert.rule, alert.severity, alert.state, alert.source)),
            *_values(alert.segment.as_dict(), columns),
            *_values(dict(alert.labels), own),
        ): 1.0
        for alert in shown
    }
    text = "Alerts that are pending, firing, without data or in error; 1 for each, absent when there is none."
    return _gauge("watchkeeper_alerts", text, (*fixed, *columns, *own), samples)


def _events(events: Iterable[EventStatus]) -> Metric:
    newest: dict[LabelSet, float] = {}
    for each in events:
        key = tuple(clean_label(text) for text in (each.name, each.source, each.service))
        newest[key] = max(each.at.timestamp(), newest.get(key, 0.0))
    text = "When an event last happened: one that people marked, or another model behind a service."
    return _gauge("watchkeeper_event_timestamp_seconds", text, ("event", "source", "service"), newest)


def _health(snapshot: Snapshot, now: datetime) -> Iterator[Metric]:
    # A snapshot that is no longer renewed is lag too.
    age = (now - snapshot.at).total_seconds()
    successes: dict[LabelSet, float] = {}
    lags: dict[LabelSet, float] = {}
    for source in snapshot.sources:
        if source.last_success_at is not None:
            successes[(clean_label(source.name),)] = source.last_success_at.timestamp()
        if source.lag_s is not None:
            lags[(clean_label(source.name),)] = source.lag_s + age
    yield _gauge(
        "watchkeeper_source_last_success_timestamp_seconds",
        "When the source was last read to its end.",
        ("source",),
        successes,
    )
    yield _gauge(
        "watchkeeper_source_lag_seconds", "How far the measured windows are behind the clock.", ("source",), lags
    )
    pending: dict[LabelSet, float] = {
        (clean_label(channel.name),): float(channel.pending) for channel in snapshot.channels
    }
    yield _gauge("watchkeeper_outbox_pending", "Messages that wait to be delivered.", ("channel",), pending)


def _proof(proof: ProofStatus) -> Iterator[Metric]:
    moments = (
        ("heartbeat_last_success", proof.heartbeat_at, "When the address of the heartbeat last took one."),
        ("canary_last_success", proof.canary_at, "When a canary last came through every receiver and back."),
        ("canary_last_failure", proof.canary_failed_at, "When a canary last did not come through."),
    )
    for name, at, text in moments:
        if at is not None:
            yield _gauge(f"watchkeeper_{name}_timestamp_seconds", text, (), {(): at.timestamp()})
    if proof.canary_s is not None:
        text = "How long the last canary that came through took, from the event to the last receiver that knew its end."
        yield _gauge("watchkeeper_canary_duration_seconds", text, (), {(): proof.canary_s})


def _judges(judging: JudgeStatus | None) -> Iterator[Metric]:
    if judging is None:
        return
    up: dict[LabelSet, float] = {
        (clean_label(each.name),): float(each.state == "ok") for each in judging.judges if each.state != "unused"
    }
    text = "Whether the judge answered when it was last asked, with verdicts that were on offer."
    yield _gauge("watchkeeper_judge_up", text, ("judge",), up)
    money = {"spent": judging.spent_usd, "budget": judging.budget_usd, "left": judging.left_usd}
    samples: dict[LabelSet, float] = {(name,): usd for name, usd in money.items()}
    text = "Today's (UTC) budget of the judge, what is spent of it, and what may be spent now."
    yield _gauge("watchkeeper_judge_budget_usd", text, ("part",), samples)
    text = "Drawn questions that wait for money or for a judge."
    yield _gauge("watchkeeper_judge_questions_waiting", text, (), {(): float(judging.waiting)})


def _counted(counted: Counted) -> Iterator[Metric]:
    for spec in COUNTERS:
        counter = CounterMetricFamily(f"watchkeeper_{spec.name}", spec.meaning, labels=spec.labels)
        for labels, count in _cleaned(counted.counts.get(spec.name, {})).items():
            counter.add_metric(labels, count)
        yield counter
    for spec in TIMERS:
        histogram = HistogramMetricFamily(f"watchkeeper_{spec.name}", spec.meaning, labels=spec.labels)
        for labels, timed in _cleaned(counted.times.get(spec.name, {})).items():
            histogram.add_metric(labels, _cumulative(timed), timed.sum)
        yield histogram


def _cumulative(timed: Timed) -> list[tuple[str, float]]:
    bounds = [f"{bound:g}" for bound in BUCKETS] + ["+Inf"]
    return [(bound, float(sum(timed.buckets[: number + 1]))) for number, bound in enumerate(bounds)]


def _cleaned(values: Mapping[LabelSet, Item]) -> dict[LabelSet, Item]:
    return {tuple(clean_label(text) for text in labels): value for labels, value in values.items()}


def _values(labels: Mapping[str, str], names: tuple[str, ...]) -> LabelSet:
    return tuple(clean_label(labels[name]) if name in labels else "" for name in names)


def _gauge(name: str, text: str, labels: tuple[str, ...], samples: Mapping[LabelSet, float]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples.items():
        gauge.add_metric(values, value)
    return gauge
