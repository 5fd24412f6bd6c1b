"""The snapshot that everything shows, made from the store."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.pipeline import identity, labels_of
from alerts.rules import Alert, AlertId, State, condition
from monitor.eventstatus import event_statuses, model_statuses
from monitor.golden.status import golden_status
from monitor.health import quiet_for
from monitor.house import House, Watched
from monitor.snapshot import (
    AlertStatus,
    ChannelState,
    ChannelStatus,
    Snapshot,
    SourceState,
    SourceStatus,
    TransitionStatus,
)
from monitor.store import measurements, outbox, states
from monitor.store.database import Session
from monitor.store.manifest import Manifest
from monitor.store.tables import ChannelRow, ProgressRow, TransitionRow
from monitor.textstatus import text_statuses

RECENT = 100  # transitions shown
NEWEST_WITHIN = timedelta(hours=6)  # older windows are not the present of anything


def survey(house: House, now: datetime) -> Snapshot:
    """Everything that is shown, at `now`, from one state of the store."""
    quarantined = {name: _quarantined(house, name) for name in house.sources}
    with house.database.reading() as session:
        progress = states.all_progress(session)
        ends = measurements.ends(session, now - NEWEST_WITHIN)
        windows = [
            row
            for name in house.sources
            for row in measurements.newest(session, name, house.settings.window, now - NEWEST_WITHIN)
        ]
        recent = outbox.transitions(session, RECENT)
        sources = (
            _source(watched, progress.get(name), now, quarantined[name]) for name, watched in house.sources.items()
        )
        return Snapshot(
            at=now,
            windows=tuple(windows),
            ends={key: end for key, end in ends.items() if key[0] in house.sources},
            alerts=tuple(_alerts(house, session, recent)),
            sources=tuple(sources),
            texts=text_statuses(house, session, now),
            channels=_channels(house, outbox.channels(session), outbox.pending_counts(session)),
            transitions=tuple(_transition(row) for row in recent),
            events=event_statuses(house, session, now),
            models=model_statuses(house, session),
            golden=golden_status(house, session, now),
            counters=house.counters.counted(),
        )


def _quarantined(house: House, source: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stream in ("calls", "feedback"):
        for reason, number in Manifest(house.database, source, stream).quarantine_counts().items():
            counts[reason] = counts.get(reason, 0) + number
    return counts


def _source(watched: Watched, row: ProgressRow | None, now: datetime, quarantined: Mapping[str, int]) -> SourceStatus:
    if row is None:
        return SourceStatus(watched.name, watched.settings.kind, "starting")
    return SourceStatus(
        name=watched.name,
        kind=watched.settings.kind,
        state=_state(watched, row, now),
        last_success_at=row.last_success_at,
        complete_until=row.complete_until,
        slot_end=row.slot_end,
        newest=row.newest,
        lag_s=None if row.slot_end is None else (now - row.slot_end).total_seconds(),
        quarantined=quarantined,
        failure=row.failure,
    )


def _state(watched: Watched, row: ProgressRow, now: datetime) -> SourceState:
    if row.failing_since is not None:
        return "failing"
    if row.slot_end is None:
        return "starting"
    if row.slot_end < watched.fresh_since(now):
        return "catching_up"
    patience = watched.settings.silent_after.total_seconds()
    return "silent" if patience and quiet_for(row) > patience else "ok"


def _alerts(house: House, session: Session, recent: list[TransitionRow]) -> list[AlertStatus]:
    """The alerts that are not inactive; `held` is that of their newest transition, unless someone was told since."""
    told = {identity(view.labels) for group in outbox.open_groups(session) for view in group.told}
    held: dict[AlertId, str | None] = {}
    for row in recent:
        alert_id = states.alert_id_of(row)
        held.setdefault(alert_id, None if identity(labels_of(alert_id)) in told else row.held)
    alerts = states.alerts(session)
    return [_alert(house, *each, held) for each in alerts.items() if each[1].state is not State.INACTIVE]


def _alert(house: House, alert_id: AlertId, alert: Alert, held: Mapping[AlertId, str | None]) -> AlertStatus:
    rule = house.rule_of(alert_id)
    return AlertStatus(
        rule=alert_id.rule,
        source=alert_id.source,
        segment=alert_id.segment,
        labels=alert_id.labels,
        state=alert.state,
        severity=rule.severity if rule else "info",
        since=alert.since,
        value=alert.value.value if alert.value else None,
        condition=condition(rule) if rule else "",
        held=held.get(alert_id),
    )


def _channels(house: House, rows: Mapping[str, ChannelRow], pending: Mapping[str, int]) -> tuple[ChannelStatus, ...]:
    channels = []
    for name, settings in house.settings.receivers.items():
        row = rows.get(name, ChannelRow(receiver=name))
        state: ChannelState = "failing" if row.failing_since else "ok" if row.last_success_at else "unused"
        status = ChannelStatus(
            name, settings.kind, state, row.last_success_at, row.failing_since, row.failure, pending.get(name, 0)
        )
        channels.append(status)
    return tuple(channels)


def _transition(row: TransitionRow) -> TransitionStatus:
    alert_id = states.alert_id_of(row)
    return TransitionStatus(
        rule=row.rule,
        source=row.source,
        segment=alert_id.segment,
        labels=alert_id.labels,
        before=State(row.from_state),
        after=State(row.to_state),
        at=row.at,
        value=row.value,
        reason=row.reason,
        held=row.held,
    )
