"""The snapshot that everything shows, made from the store."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.grouping import fingerprint
from alerts.rules import Alert, AlertId, State, condition
from alerts.silences import Silence
from alerts.steps import Outcome
from alerts.verdicts import HELD
from alerts.view import labels_of
from monitor.eventstatus import event_statuses, model_statuses
from monitor.golden.status import golden_status
from monitor.health import quiet_for
from monitor.house import House, Watched
from monitor.judging.status import judge_status
from monitor.snapshot import (
    AlertStatus,
    ChannelState,
    ChannelStatus,
    ProofStatus,
    SilenceStatus,
    Snapshot,
    SourceState,
    SourceStatus,
    TransitionStatus,
)
from monitor.store import canaries, history, measurements, outbox, quarantine, silences, states
from monitor.store.database import Session
from monitor.store.tables import ChannelRow, ProgressRow, TransitionRow
from monitor.textstatus import text_statuses

RECENT = 100  # transitions shown
NOT_TOLD = HELD | {Outcome.WAITING}
NEWEST_WITHIN = timedelta(hours=6)  # older windows are not the present of anything


def survey(house: House, now: datetime) -> Snapshot:
    """Everything that is shown, at `now`, from one state of the store."""
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
            _source(watched, progress.get(name), now, quarantine.counts(session, name))
            for name, watched in house.sources.items()
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
            silences=tuple(_silence(each) for each in silences.not_over(session, now)),
            golden=golden_status(house, session, now),
            judge=judge_status(house, session, now),
            proof=_proof(house, session),
            counters=house.counters.counted(),
        )


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


def _alerts(house: House, session: Session, recent: list[TransitionRow]) -> Iterator[AlertStatus]:
    """The alerts that are not inactive; `held` is what holds messages back, or that of their newest transition."""
    stale: dict[AlertId, str | None] = {}
    for row in recent:
        stale.setdefault(states.alert_id_of(row), row.held)
    alerts = {each: alert for each, alert in states.alerts(session).items() if alert.state is not State.INACTIVE}
    names = {each: fingerprint(labels_of(each)) for each in alerts}
    outcomes, taken = history.newest_outcomes(session, names.values()), history.acknowledged(session)
    for each, alert in alerts.items():
        became = outcomes.get(names[each], {})
        held = ", ".join(sorted({outcome for outcome in became.values() if outcome in NOT_TOLD}))
        by = taken.get(names[each])
        shown = _alert(house, each, alert, held or (None if became else stale.get(each)))
        yield replace(shown, id=names[each], taken_by=by.by if by else "")


def _alert(house: House, alert_id: AlertId, alert: Alert, held: str | None) -> AlertStatus:
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
        held=held,
    )


def _silence(silence: Silence) -> SilenceStatus:
    matchers = tuple(map(str, silence.matchers))
    return SilenceStatus(silence.id, matchers, silence.starts_at, silence.ends_at, silence.author, silence.reason)


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


def _proof(house: House, session: Session) -> ProofStatus:
    passed, failed = (canaries.last(session, name) for name in (canaries.PASSED, canaries.FAILED))
    return ProofStatus(
        heartbeat_at=house.pulse.last_success_at,
        withheld=house.pulse.troubles,
        canary_at=passed.at if passed else None,
        canary_s=passed.seconds if passed else None,
        canary_failed_at=failed.at if failed else None,
    )


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
