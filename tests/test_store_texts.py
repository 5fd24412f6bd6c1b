"""The text half of the store: what is kept comes back, and what is bounded stays bounded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import stores
from sqlalchemy import event
from sqlmodel import SQLModel, select

from config.server import Retention
from detectors.measurement import Key, Reason, Segment, Value, Window
from monitor.store import baselines, texts
from monitor.store.baselines import ACCEPTED, CANDIDATE, RETIRED, RETIRED_KEPT
from monitor.store.database import Database
from monitor.store.tables import BaselineRow, CacheRow, ScoreRow
from monitor.store.texts import StoredCache, TextMeasured

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CHAT = Segment.of(service="chat")


@pytest.fixture(scope="module", params=stores.ENGINES)
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    yield from stores.opened(stores.url_of(request.param, tmp_path_factory.mktemp("store"), request))


@pytest.fixture
def store(migrated: Database) -> Database:
    with migrated.transaction() as session:
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.connection().execute(table.delete())
    return migrated


def measured(start: datetime, stream: str = "prompt", segment: Segment = CHAT, baseline: str = "v1") -> TextMeasured:
    values = {
        Key.of("out_of_distribution_ratio", stream=stream): Value(0.25, 0.1, 0.4, 20),
        Key.of("topic_share", stream=stream, topic="refund"): Value(None, n=0, reason=Reason.NO_CALLS),
    }
    return TextMeasured("app", segment, stream, Window(start, start + HOUR), baseline, values, {"topics": ["a"]})


def a_baseline(version: str, **fields: object) -> BaselineRow:
    row = {
        "source": "app",
        "segment": "[]",
        "stream": "prompt",
        "version": version,
        "state": CANDIDATE,
        "fitted_at": NOW,
        "fitted_from": NOW - 30 * DAY,
        "fitted_until": NOW - 2 * DAY,
        "length_s": 3600,
        "read_until": NOW - 2 * DAY,
        "facts": {"rows": 3},
        "body": b"\x00\xff" * 10,
    }
    return BaselineRow(**(row | fields))


def versions(store: Database, state: str) -> list[str]:
    with store.reading() as session:
        return sorted(row.version for row in baselines.known(session) if row.state == state)


def test_what_was_measured_comes_back(store: Database) -> None:
    rows = [measured(NOW - HOUR), measured(NOW - HOUR, "response"), measured(NOW - HOUR, segment=Segment())]
    with store.transaction() as session:
        texts.save(session, [measured(NOW - 2 * HOUR), *rows])
        texts.save(session, rows)
    with store.reading() as session:
        found = texts.newest(session, "app", NOW - DAY)
        assert sorted(found, key=str) == sorted(rows, key=str)
        assert texts.newest(session, "app", NOW) == []
        assert len(texts.between(session, "app", NOW - 2 * HOUR, NOW)) == 4


def test_a_baseline_that_is_accepted_retires_the_one_before_it(store: Database) -> None:
    with store.transaction() as session:
        for version in ("1", "2"):
            baselines.accept(session, baselines.add(session, a_baseline(version)))
    assert (versions(store, ACCEPTED), versions(store, RETIRED)) == (["2"], ["1"])


def test_a_pinned_baseline_stays_beside_the_new_one(store: Database) -> None:
    with store.transaction() as session:
        baselines.add(session, a_baseline("1", state=ACCEPTED, pinned=True))
        baselines.accept(session, baselines.add(session, a_baseline("2")))
    with store.reading() as session:
        assert [(each.version, each.role) for each in baselines.in_use(session)] == [("1", "pinned"), ("2", "rolling")]


def test_a_stream_has_one_pinned_baseline_and_one_rolling(store: Database) -> None:
    with store.transaction() as session:
        first, second, third = (baselines.add(session, a_baseline(version)) for version in "123")
        baselines.accept(session, first)
        baselines.pin(session, second)
        baselines.pin(session, third)
    assert (versions(store, ACCEPTED), versions(store, RETIRED)) == (["1", "3"], ["2"])
    with store.transaction() as session:
        baselines.unpin(session, third)
    assert (versions(store, ACCEPTED), versions(store, RETIRED)) == (["1"], ["2", "3"])


def test_a_pinned_baseline_that_was_alone_rolls_when_it_is_unpinned(store: Database) -> None:
    with store.transaction() as session:
        only = baselines.add(session, a_baseline("1"))
        baselines.pin(session, only)
        (pinned,) = baselines.in_use(session)
        baselines.unpin(session, pinned)
    with store.reading() as session:
        assert [(each.version, each.role) for each in baselines.in_use(session)] == [("1", "rolling")]


def test_only_the_newest_retired_baselines_are_kept(store: Database) -> None:
    with store.transaction() as session:
        for day in range(9):
            baselines.add(session, a_baseline(str(day), state=RETIRED, fitted_at=NOW - 30 * DAY + day * DAY))
        baselines.add(session, a_baseline("used", state=ACCEPTED, fitted_at=NOW - 90 * DAY))
    with store.transaction() as session:
        texts.expire(session, NOW, Retention(), 10)
    assert versions(store, RETIRED) == [str(day) for day in range(9)][-RETIRED_KEPT:]
    assert versions(store, ACCEPTED) == ["used"]


def test_a_window_is_kept_against_each_baseline(store: Database) -> None:
    both = [measured(NOW - HOUR), measured(NOW - HOUR, baseline="v2")]
    with store.transaction() as session:
        texts.save(session, [measured(NOW - 2 * HOUR), *both])
    with store.reading() as session:
        assert sorted(texts.newest(session, "app", NOW - DAY), key=str) == sorted(both, key=str)


def test_what_a_baseline_is_does_not_bring_its_body(store: Database) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    with store.transaction() as session:
        one = baselines.add(session, a_baseline("1"))
    event.listen(store.engine, "before_cursor_execute", note)
    with store.transaction() as session:
        baselines.add(session, a_baseline("1"))
        assert [each.version for each in baselines.known(session)] == ["1"]
        baselines.accept(session, one)
        baselines.note_read(session, one, NOW)
        assert baselines.facts(session, one) == {"rows": 3}
    event.remove(store.engine, "before_cursor_execute", note)
    assert statements
    assert not [each for each in statements if "body" in each.lower()]


def test_a_baseline_is_never_overwritten(store: Database) -> None:
    with store.transaction() as session:
        baselines.add(session, a_baseline("1"))
    with store.transaction() as session:
        baselines.add(session, a_baseline("1", body=b"other"))
    with store.reading() as session:
        (row,) = baselines.known(session, "app")
        assert baselines.body(session, row) == b"\x00\xff" * 10
        assert baselines.known(session, "other") == []


def test_scores_are_kept_once_a_call_and_baseline_and_forgotten_in_time(store: Database) -> None:
    def score(call: str, at: datetime, p: float) -> ScoreRow:
        return ScoreRow(source="app", stream="prompt", call_id=call, baseline="v1", at=at, segment="[]", score=1.5, p=p)

    with store.transaction() as session:
        texts.save_scores(session, [score("a", NOW - DAY, 0.5), score("b", NOW, 0.01)])
        texts.save_scores(session, [score("b", NOW, 0.02)])
    with store.transaction() as session:
        texts.expire(session, NOW, Retention(short=HOUR), 10)
    with store.reading() as session:
        assert [(row.call_id, row.p) for row in session.exec(select(ScoreRow))] == [("b", 0.02)]


def test_the_cache_remembers_what_was_used_last(store: Database) -> None:
    StoredCache(store, NOW).put({f"k{number}": bytes([number]) for number in range(5)})
    StoredCache(store, NOW + HOUR).put({"k9": b"9"})
    assert StoredCache(store, NOW + 2 * HOUR).get(["k0", "k9", "unknown"]) == {"k0": b"\x00", "k9": b"9"}
    with store.transaction() as session:
        texts.expire(session, NOW, Retention(), cache_rows=2)
    with store.reading() as session:
        assert sorted(session.exec(select(CacheRow.key))) == ["k0", "k9"]


def test_more_keys_than_a_query_takes_are_found(store: Database) -> None:
    items = {f"k{number}": b"x" for number in range(1_200)}
    StoredCache(store, NOW).put(items)
    assert StoredCache(store, NOW).get(list(items)) == items
