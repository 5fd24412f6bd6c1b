"""The store: what goes in comes out, on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import stores
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError
from sqlmodel import SQLModel, select

from alerts.grouping import Group
from alerts.notifier import AlertView, Message
from alerts.rules import Alert, AlertId, State, Transition, is_memory
from alerts.watch import Readings
from config.server import Retention
from detectors.measurement import Batch, Key, Measured, Reason, Segment, Series, Value, Window
from monitor.store import groups, measurements, outbox, states, waiting
from monitor.store.database import Database, StoreError, copy_rows, migrate
from monitor.store.tables import ChannelRow, EventRow, MeasurementRow, OutboxRow, ProgressRow, TransitionRow

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RETENTION = Retention(short=7 * DAY, long=400 * DAY, transitions=30 * DAY)
CHAT = Segment.of(service="chat")
CALLS, ERRORS = Key.of("calls"), Key.of("error_ratio")
HOSTILE = "a\"'\\\n\0é" + "\U0001f600"


@pytest.fixture(scope="module", params=stores.ENGINES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return stores.url_of(request.param, tmp_path_factory.mktemp("store"), request)


@pytest.fixture(scope="module")
def migrated(url: str) -> Iterator[Database]:
    yield from stores.opened(url)


@pytest.fixture
def store(migrated: Database) -> Database:
    """An empty store: each test finds no rows of another."""
    with migrated.transaction() as session:
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.connection().execute(table.delete())
    return migrated


def a_row(
    start: datetime = NOW - HOUR,
    length: timedelta = MINUTE,
    segment: Segment = CHAT,
    source: str = "app",
    values: Mapping[Key, Value] | None = None,
) -> Measured:
    """One measured window."""
    values = {CALLS: Value(10, n=10), ERRORS: Value(0.1, 0.05, 0.2, 10)} if values is None else values
    return Measured(source, segment, Window(start, start + length), values)


def stored(store: Database) -> list[MeasurementRow]:
    with store.reading() as session:
        return sorted(session.exec(select(MeasurementRow)), key=lambda row: (row.segment, row.length_s, row.start))


# Tables


def test_the_migrations_make_exactly_the_tables_of_the_models(store: Database) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_again_changes_nothing(store: Database) -> None:
    with store.transaction() as session:
        measurements.save(session, [a_row()])
    migrate(store.engine)
    assert len(stored(store)) == 1


def test_a_naive_time_is_refused(store: Database) -> None:
    with (
        pytest.raises(StatementError, match="a naive datetime must not reach the store"),
        store.transaction() as session,
    ):
        session.add(EventRow(at=NOW.replace(tzinfo=None), name="deployment"))
    with store.reading() as session:
        assert session.exec(select(EventRow)).all() == []


@pytest.mark.parametrize(
    "at",
    [
        NOW.replace(microsecond=123457),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(9000, 1, 1, tzinfo=UTC),
    ],
)
def test_a_time_comes_back_as_the_same_moment_in_utc(store: Database, at: datetime) -> None:
    with store.transaction() as session:
        session.add(EventRow(at=at, name="deployment"))
    with store.reading() as session:
        (found,) = session.exec(select(EventRow.at))
    assert found == at
    assert found.utcoffset() == timedelta(0)


def test_times_are_compared_as_moments(store: Database) -> None:
    with store.transaction() as session:
        session.add(EventRow(at=NOW, name="deployment"))
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-8)))
    with store.reading() as session:
        assert len(session.exec(select(EventRow).where(EventRow.at >= elsewhere)).all()) == 1
        assert session.exec(select(EventRow).where(EventRow.at < elsewhere)).all() == []


# Transactions


def test_a_transaction_that_fails_leaves_nothing(store: Database) -> None:
    def fail() -> None:
        with store.transaction() as session:
            measurements.save(session, [a_row()])
            states.admit(session, "app", ("service",), {CHAT: NOW})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert stored(store) == []
    with store.reading() as session:
        assert states.segments(session, "app") == {}


def test_a_reader_sees_one_state_and_waits_for_no_writer(store: Database) -> None:
    with store.transaction() as session:
        session.add(EventRow(at=NOW, name="first"))
    with store.reading() as reader:
        assert len(reader.exec(select(EventRow)).all()) == 1
        with store.transaction() as writer:
            writer.add(EventRow(at=NOW, name="second"))
            writer.flush()
            with store.reading() as another:  # while the writer holds its lock
                assert len(another.exec(select(EventRow)).all()) == 1
        assert len(reader.exec(select(EventRow.name)).all()) == 1
    with store.reading() as reader:
        assert len(reader.exec(select(EventRow)).all()) == 2


def test_rows_can_be_read_after_their_session(store: Database) -> None:
    with store.transaction() as session:
        row = states.progress(session, "app", NOW)
    assert (row.source, row.watched_since) == ("app", NOW)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://root:secret-word@localhost/x", "sqlite:///… or postgresql://…, not mysql"),
        ("secret-word", "the store's url is none"),
        ("postgresql://watch:secret-word@127.0.0.1:1/x", "cannot be opened"),
        ("sqlite:////nowhere/at/all/secret.db", "cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_opened_says_so_without_its_password(url: str, says: str) -> None:
    with pytest.raises(StoreError) as caught:
        Database.open(url)
    assert says in str(caught.value)
    assert "secret-word" not in str(caught.value)


def test_tables_can_be_copied_to_a_store_on_another_engine(store: Database, tmp_path: Path) -> None:
    with store.transaction() as session:
        measurements.save(session, [a_row(), a_row(NOW)])
        session.add(EventRow(at=NOW, name="deployment"))
    scratch = stores.sqlite(tmp_path)
    copy_rows(store, scratch, (MeasurementRow, EventRow))
    assert [row.model_dump() for row in stored(scratch)] == [row.model_dump() for row in stored(store)]
    scratch.close()


# Measurements


def test_measurements_come_back_as_they_were(store: Database) -> None:
    values = {
        CALLS: Value(3, n=3),
        ERRORS: Value(1 / 3, 0.1, 0.7, 3),
        Key.of("latency_seconds", percentile="95"): Value(0.1 + 0.2, n=3),
        Key.of("cost_usd"): Value(None, n=0, reason=Reason.NO_VALUES),
    }
    row = a_row(segment=Segment.of(model=HOSTILE, service="chat"), values=values)
    with store.transaction() as session:
        measurements.save(session, [row])
    with store.reading() as session:
        assert measurements.newest(session, "app", MINUTE, NOW - DAY) == [row]


def test_what_the_source_has_no_column_for_is_not_written(store: Database) -> None:
    values = {CALLS: Value(3, n=3), ERRORS: Value(None, reason=Reason.MISSING_COLUMN)}
    with store.transaction() as session:
        measurements.save(session, [a_row(values=values)])
    assert stored(store)[0].body == [["calls", {}, 3, None, None, 3, None]]


def test_saving_a_window_again_replaces_it(store: Database) -> None:
    for calls in (1, 2):
        with store.transaction() as session:
            measurements.save(session, [a_row(values={CALLS: Value(calls, n=calls)})])
    assert [(row.revision, row.body[0][2]) for row in stored(store)] == [(0, 2)]


def test_only_windows_whose_numbers_changed_are_revised_and_counted(store: Database) -> None:
    rows = [a_row(NOW + number * MINUTE) for number in range(3)]
    with store.transaction() as session:
        measurements.save(session, rows[:2])
    late = [rows[0], replace(rows[1], values={CALLS: Value(11, n=11)}), rows[2]]
    with store.transaction() as session:
        assert measurements.revise(session, late) == 2
    with store.transaction() as session:
        assert measurements.revise(session, late) == 0
    assert [row.revision for row in stored(store)] == [0, 1, 0]
    assert stored(store)[1].body == [["calls", {}, 11, None, None, 11, None]]


def test_the_newest_row_of_each_segment_is_found(store: Database) -> None:
    other = Segment.of(service="other")
    rows = [
        a_row(NOW - 3 * MINUTE),
        a_row(NOW - 2 * MINUTE),
        a_row(NOW - 4 * MINUTE, segment=other),
        a_row(NOW - 9 * HOUR, segment=Segment.of(service="old")),
        a_row(NOW - HOUR, HOUR),
        a_row(NOW, source="elsewhere"),
    ]
    with store.transaction() as session:
        measurements.save(session, rows)
    with store.reading() as session:
        found = measurements.newest(session, "app", MINUTE, NOW - HOUR)
        ends = measurements.ends(session, NOW - HOUR)
    assert sorted(found, key=lambda row: row.segment) == [rows[1], rows[2]]
    assert ends == {("app", 60): NOW - MINUTE, ("app", 3600): NOW, ("elsewhere", 60): NOW + MINUTE}


def test_short_and_trailing_windows_go_long_before_hours(store: Database) -> None:
    old = NOW - 8 * DAY
    rows = [
        a_row(old),
        a_row(old, HOUR),
        a_row(old - 30 * MINUTE, HOUR),
        a_row(NOW - 401 * DAY, HOUR),
        a_row(NOW - 6 * DAY),
    ]
    with store.transaction() as session:
        measurements.save(session, rows)
        assert measurements.expire(session, NOW, RETENTION) == 3
    assert [(row.start, row.length_s) for row in stored(store)] == [(NOW - 6 * DAY, 60), (old, 3600)]


def test_what_would_be_deleted_at_once_is_not_kept_at_all(store: Database) -> None:
    windows = [
        Window(start, start + length)
        for start in (NOW - DAY, NOW - 8 * DAY, NOW - 401 * DAY)
        for length, start in ((MINUTE, start), (HOUR, start), (HOUR, start - 30 * MINUTE))
    ]
    batch = Batch("app", [(CHAT, window) for window in windows], {CALLS: Series(np.ones(len(windows)))})
    kept = list(measurements.kept(Readings("app", MINUTE, {((), MINUTE): batch}), RETENTION, NOW))
    with store.transaction() as session:
        measurements.save(session, kept)
    assert len(kept) == 4
    with store.transaction() as session:
        measurements.save(session, batch)
        assert measurements.expire(session, NOW, RETENTION) == len(windows) - len(kept)
    assert {(row.start, row.end) for row in stored(store)} == {(row.window.start, row.window.end) for row in kept}


# Alerts and their history

AN_ID = AlertId("errors", "app", CHAT, (("percentile", "95"),))


def test_an_alert_comes_back_with_every_field(store: Database) -> None:
    a, b, c, d, e = (NOW.replace(microsecond=number) for number in range(1, 6))
    alert = Alert(State.NO_DATA, a, b, c, d, e, Value(0.1 + 0.2, 0.1, None, 12), "no data", "0.3 against 0.1")
    assert all(getattr(alert, each.name) != each.default for each in fields(Alert))
    with store.transaction() as session:
        states.save_alerts(session, [(AN_ID, alert)])
    with store.reading() as session:
        assert states.alerts(session) == {AN_ID: alert}
        assert states.alerts(session, "elsewhere") == {}


moments = st.none() | st.integers(0, 10**15).map(lambda us: NOW + timedelta(microseconds=us))
values = st.builds(Value, st.floats(allow_nan=False, allow_infinity=False), n=st.none() | st.integers(0, 2**62))
alerts = st.builds(
    Alert, st.sampled_from(State), moments, moments, moments, moments, moments, st.none() | values, st.text()
)
words = st.text(st.characters(codec="utf-8"), max_size=5)
labels = st.lists(st.tuples(words, words), max_size=2).map(tuple)
plain = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
ids = st.builds(AlertId, plain, plain, labels.map(Segment), labels)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(ids, alerts, max_size=4))
def test_any_alerts_come_back_as_they_were(store: Database, memory: dict[AlertId, Alert]) -> None:
    with store.transaction() as session:
        for old in states.alerts(session):
            states.save_alerts(session, [(old, Alert())])
        states.save_alerts(session, memory.items())
    worth = {key: alert for key, alert in memory.items() if is_memory(alert)}
    with store.reading() as session:
        assert states.alerts(session) == worth


def test_an_alert_that_knows_nothing_is_forgotten(store: Database) -> None:
    with store.transaction() as session:
        states.save_alerts(session, [(AN_ID, Alert(State.FIRING, since=NOW, fired_at=NOW))])
    with store.transaction() as session:
        states.save_alerts(session, [(AN_ID, Alert(read_until=NOW))])
    with store.reading() as session:
        assert states.alerts(session) == {}


def test_a_transition_is_public_as_documented(store: Database) -> None:
    change = outbox.Change(
        AN_ID,
        Transition(State.PENDING, State.FIRING, NOW, 0.5, "because", 0.4, 0.6, 96, "as set"),
        "stale",
        ("call-1",),
    )
    with store.transaction() as session:
        outbox.record(session, change, NOW + MINUTE)
    with store.reading() as session:
        (row,) = outbox.transitions(session, 10)
    assert (row.decided_at, row.reason, row.exemplars) == (NOW + MINUTE, "because", ["call-1"])
    assert row.compared == "as set"
    assert outbox.transition_json(row) == {
        "type": "transition",
        "rule": "errors",
        "source": "app",
        "segment": {"service": "chat"},
        "labels": {"percentile": "95"},
        "from": "pending",
        "to": "firing",
        "at": NOW.isoformat(),
        "value": 0.5,
        "lower": 0.4,
        "upper": 0.6,
        "n": 96,
        "held": "stale",
    }


def test_the_newest_transitions_come_first(store: Database) -> None:
    with store.transaction() as session:
        for number in range(5):
            transition = Transition(State.INACTIVE, State.FIRING, NOW + number * MINUTE, None)
            outbox.record(session, outbox.Change(AN_ID, transition), NOW)
    with store.reading() as session:
        rows = outbox.transitions(session, 2)
        assert [row.at for row in rows] == [NOW + 4 * MINUTE, NOW + 3 * MINUTE]
        assert outbox.transitions(session, 9, after_id=rows[0].id or 0) == []


def a_message(action: str, *views: AlertView, key: str = "k") -> Message:
    return Message(key, action, "Firing: errors", "warning", views, NOW)  # type: ignore[arg-type]


A_VIEW = AlertView(
    {"rule": "errors", "source": HOSTILE}, "errors", "firing", NOW, None, 0.5, 0.4, 0.6, 10, "s", "c", "r", ("x",)
)


def test_an_open_group_knows_what_was_told_and_a_closed_one_nothing(store: Database) -> None:
    group = Group("k", "slack")
    with store.transaction() as session:
        outbox.enqueue(session, group, a_message("trigger", A_VIEW), NOW)
    with store.reading() as session:
        assert groups.open_groups(session) == [Group("k", "slack", True, (A_VIEW,))]
        (row,) = session.exec(select(OutboxRow))
    assert outbox.message_of(row) == a_message("trigger", A_VIEW)
    with store.transaction() as session:
        outbox.enqueue(session, group, a_message("resolve", A_VIEW), NOW)
    with store.reading() as session:
        assert groups.open_groups(session) == []
        assert groups.group(session, "k", "slack") == Group("k", "slack")


def test_two_messages_of_a_group_can_be_made_in_one_transaction(store: Database) -> None:
    with store.transaction() as session:
        for action in ("trigger", "update", "resolve"):
            outbox.enqueue(session, Group("k", "slack"), a_message(action, A_VIEW), NOW)
    with store.reading() as session:
        assert [row.action for row in waiting.queue(session, "slack")] == ["trigger", "update", "resolve"]
        assert outbox.pending_counts(session) == {"slack": 3}
        assert groups.open_groups(session) == []


def test_history_and_finished_messages_are_forgotten_but_not_what_waits(store: Database) -> None:
    old = NOW - 31 * DAY
    with store.transaction() as session:
        for at in (old, NOW):
            outbox.record(session, outbox.Change(AN_ID, Transition(State.INACTIVE, State.FIRING, at, None)), at)
            for _ in range(2):
                outbox.enqueue(session, Group("k", "slack"), a_message("trigger"), at)
        first = session.exec(select(OutboxRow).order_by(OutboxRow.id)).first()  # type: ignore[arg-type]
        assert first is not None
        outbox.finish(session, first.id or 0, "superseded", old)
    with store.transaction() as session:
        outbox.expire(session, NOW, RETENTION.transitions)
    with store.reading() as session:
        assert [row.at for row in session.exec(select(TransitionRow))] == [NOW]
        assert len(session.exec(select(OutboxRow)).all()) == 3


# Progress, segments, leases


def test_progress_begins_once_and_is_kept(store: Database) -> None:
    with store.transaction() as session:
        states.progress(session, "app", NOW).slot_end = NOW - HOUR
    with store.transaction() as session:
        row = states.progress(session, "app", NOW + HOUR)
        row.failing_since, row.failure = NOW, "it is gone"
    with store.reading() as session:
        found = states.all_progress(session)["app"]
    expected = ProgressRow(
        source="app", watched_since=NOW, slot_end=NOW - HOUR, failing_since=NOW, failure="it is gone"
    )
    assert found.model_dump() == expected.model_dump()


def test_an_admitted_segment_stays_with_its_first_moment(store: Database) -> None:
    other = Segment.of(service=HOSTILE)
    with store.transaction() as session:
        states.admit(session, "app", ("service",), {CHAT: NOW})
        states.admit(session, "app", (), {Segment(): NOW})
        states.admit(session, "elsewhere", (), {Segment(): NOW})
    with store.transaction() as session:
        states.admit(session, "app", ("service",), {CHAT: NOW + HOUR, other: NOW + HOUR})
    with store.reading() as session:
        assert states.segments(session, "app") == {
            ("service",): {CHAT: NOW, other: NOW + HOUR},
            (): {Segment(): NOW},
        }


def take(store: Database, holder: str, now: datetime) -> bool:
    with store.transaction() as session:
        return states.take_lease(session, "leader", holder, now, 30 * timedelta(seconds=1))


def test_one_holder_at_a_time_has_a_lease(store: Database) -> None:
    assert take(store, "one", NOW)
    assert not take(store, "two", NOW)
    assert take(store, "one", NOW + timedelta(seconds=20))
    assert not take(store, "two", NOW + timedelta(seconds=45))
    assert take(store, "two", NOW + timedelta(seconds=51))
    assert not take(store, "one", NOW + timedelta(seconds=52))


def test_a_lease_that_was_given_back_is_free_at_once(store: Database) -> None:
    assert take(store, "one", NOW)
    with store.transaction() as session:
        states.drop_lease(session, "leader", "two")
    assert not take(store, "two", NOW)
    with store.transaction() as session:
        states.drop_lease(session, "leader", "one")
    assert take(store, "two", NOW)


def test_a_lease_can_be_taken_with_other_work_in_one_transaction(store: Database) -> None:
    take(store, "one", NOW)
    with store.transaction() as session:
        session.add(ChannelRow(receiver="slack"))
        assert not states.take_lease(session, "leader", "two", NOW, MINUTE)
        assert states.take_lease(session, "another", "two", NOW, MINUTE)
    with store.reading() as session:
        assert list(outbox.channels(session)) == ["slack"]
