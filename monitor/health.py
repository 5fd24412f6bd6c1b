"""The built-in rules: a broken source or channel is itself an alert. They run on `now`, not on event time."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from alerts.rules import AlertId
from config.alerts import OwnRule, Rule
from config.settings import Settings
from detectors.measurement import Reason, Segment, Value
from monitor.canary import CANARY
from monitor.drifting import DRIFT
from monitor.judged import JUDGE_RULES
from monitor.store.tables import ChannelRow, ProgressRow

SOURCE_SILENT = "source_silent"
SOURCE_FAILING = "source_failing"
CHANNEL_FAILING = "channel_failing"
TEXTS_FAILING = "texts_failing"
GOLDEN_CHANGED = "golden_changed"  # this and the next are made in `monitor.golden.alarm`
GOLDEN_FAILING = "golden_failing"

RESERVED = (
    SOURCE_SILENT,
    SOURCE_FAILING,
    CHANNEL_FAILING,
    TEXTS_FAILING,
    GOLDEN_CHANGED,
    GOLDEN_FAILING,
    DRIFT,
    CANARY,
    *JUDGE_RULES,
)

OWN_SOURCE = "watchkeeper"  # the `source` label of alerts about Watchkeeper itself


def health_rule(settings: Settings, alert: AlertId) -> Rule | None:
    """The built-in rule behind an alert; None when there is none or its subject is not configured."""
    failing = settings.health.failing_for.total_seconds()
    source = settings.sources.get(alert.source)
    if alert.rule == SOURCE_FAILING and source is not None:
        return _rule(settings, "source_failing_seconds", failing, "The source cannot be read.")
    if alert.rule == TEXTS_FAILING and source is not None and settings.text.enabled:
        summary = "The texts of the source cannot be read: nothing is known of what they are about."
        return _rule(settings, "texts_failing_seconds", failing, summary)
    if alert.rule == SOURCE_SILENT and source is not None and source.silent_after:
        limit = source.silent_after.total_seconds()
        return _rule(settings, "source_silent_seconds", limit, "The source has logged no call for too long.")
    if alert.rule == CHANNEL_FAILING and dict(alert.labels).get("receiver") in settings.receivers:
        return _rule(settings, "channel_failing_seconds", failing, "Messages to the receiver fail.")
    return None


def observe(
    settings: Settings,
    progress: Mapping[str, ProgressRow],
    channels: Mapping[str, ChannelRow],
    texts: Mapping[str, datetime],
    now: datetime,
) -> Iterator[tuple[AlertId, Value]]:
    """What the built-in rules read at `now`: seconds of trouble of every source, its texts, and every receiver.

    Args:
        texts: since when the texts of a source cannot be read, by source.
    """
    for name in settings.sources:
        row = progress.get(name)
        if row is not None:
            failing = _since(row.failing_since, now)
            yield AlertId(SOURCE_FAILING, name, Segment(), ()), Value(failing)
            # While the source cannot be read nobody knows whether it is silent.
            silent = Value(None, reason=Reason.NO_VALUES) if failing else Value(quiet_for(row))
            yield AlertId(SOURCE_SILENT, name, Segment(), ()), silent
            if settings.text.enabled:
                yield AlertId(TEXTS_FAILING, name, Segment(), ()), Value(_since(texts.get(name), now))
    for name in settings.receivers:
        channel = channels.get(name)
        seconds = _since(channel.failing_since if channel else None, now)
        yield AlertId(CHANNEL_FAILING, OWN_SOURCE, Segment(), (("receiver", name),)), Value(seconds)


def quiet_for(row: ProgressRow) -> float:
    """Seconds without a new call, as of the last read: what came since then nobody has looked for yet."""
    if row.last_success_at is None:
        return 0.0
    return (row.last_success_at - max(row.newest or row.watched_since, row.watched_since)).total_seconds()


def _since(start: datetime | None, now: datetime) -> float:
    return 0.0 if start is None else (now - start).total_seconds()


def _rule(settings: Settings, measure: str, above: float, summary: str) -> Rule:
    return OwnRule(
        measure=measure,
        above=above,
        severity=settings.health.severity,
        receiver=settings.health.receiver,
        summary=summary,
        no_data="keep",
        no_data_cap=timedelta(days=365),
    )
