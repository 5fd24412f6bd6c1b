"""What every kind of source must hold, whatever it reads."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis.expr.datatypes as dt
import pytest
from landing_kit import FAR, NOW, at
from samples_sources import Record, SourceSample, samples

from config.calls import CALL_COLUMNS, FEEDBACK_COLUMNS, ColumnType
from monitor.canonical import EPOCH
from monitor.sources.base import Source, SourceError
from monitor.sources.registry import SOURCES

SAMPLES = dict(samples())
LATENESS = timedelta(minutes=1)
HOSTILE = '<b>&"\'\u2028 \U0001f600 \\ \t{"a": [1]}\r\n-- ; DROP TABLE calls'


def calls() -> list[Record]:
    """Calls over ten minutes, one of them with every column."""
    full: Record = {
        "id": "full",
        "started_at": at(0.123456),
        "ended_at": at(2.5),
        "ingested_at": at(3),
        "text_truncated": False,
        "status_code": 200,
        "streamed": True,
        "latency_s": 2.376544,
        "ttft_s": 0.5,
        "cost_usd": 0.000123,
        "cache_hit": False,
        "messages": '[{"role":"user","content":"hi"}]',
        "tool_calls": "[]",
        "tags": '{"a":1}',
    }
    for column in CALL_COLUMNS:
        if column.type == "integer":
            full.setdefault(column.name, 7)
        elif column.type == "string":
            full.setdefault(column.name, f"some {column.name}")
    plain = [{"id": f"c{number}", "started_at": at(number * 60), "model": "m"} for number in range(10)]
    return [full, *plain, {"id": "hostile", "started_at": at(5), "prompt": HOSTILE, "model": HOSTILE}]


def feedback() -> list[Record]:
    return [
        {"call_id": "c1", "at": at(90), "key": "thumbs", "score": 1.0, "kind": "user", "comment": "fine"},
        {"call_id": "c2", "at": at(150), "key": "thumbs", "score": 0.0},
    ]


@pytest.fixture(params=SAMPLES, ids=list(SAMPLES))
def sample(request: pytest.FixtureRequest) -> SourceSample:
    return SAMPLES[request.param]


@pytest.fixture
def source(sample: SourceSample, tmp_path: Path) -> Iterator[Source]:
    opened = sample.make(tmp_path, calls())
    yield opened
    opened.close()


def poll(source: Source, seconds: float) -> Any:
    return source.poll(at(seconds), lambda: False)


def rows(source: Source, since: datetime = EPOCH, until: datetime = FAR) -> list[Record]:
    """The calls of a stretch, as they come."""
    found: list[Record] = source.calls(since, until).order_by("id").to_pyarrow().to_pylist()
    return found


def test_every_kind_has_a_sample() -> None:
    assert {sample.kind for sample in SAMPLES.values()} == set(SOURCES)


def test_calls_come_back_as_they_were_logged(source: Source) -> None:
    poll(source, 3600)
    found = {row["id"]: row for row in rows(source)}
    assert len(found) == len(calls())
    for call in calls():
        got = found[call["id"]]
        expected = {column.name: call.get(column.name) for column in CALL_COLUMNS}
        assert {name: value for name, value in got.items() if value is not None} == {
            name: value for name, value in expected.items() if value is not None
        }


def test_times_are_aware_and_in_utc(source: Source) -> None:
    poll(source, 3600)
    for row in rows(source):
        assert row["started_at"].utcoffset() == timedelta(0)


def test_a_stretch_gives_the_calls_that_started_in_it(source: Source) -> None:
    poll(source, 3600)
    found = rows(source, at(60), at(180))
    assert [row["id"] for row in found] == ["c1", "c2"]
    assert rows(source, at(5000), at(6000)) == []


def test_two_halves_make_the_whole(source: Source) -> None:
    poll(source, 3600)
    whole, middle = rows(source, at(0), at(600)), at(240)
    halves = rows(source, at(0), middle) + rows(source, middle, at(600))
    assert sorted(row["id"] for row in halves) == [row["id"] for row in whole]


def test_ids_are_unique(source: Source) -> None:
    poll(source, 3600)
    found = [row["id"] for row in rows(source)]
    assert len(found) == len(set(found))


def test_reading_twice_gives_the_same(source: Source) -> None:
    poll(source, 3600)
    first = rows(source)
    again = poll(source, 3630)
    assert (again.quarantined, again.late) == ({}, ())
    assert rows(source) == first


def test_the_tables_have_the_canonical_columns_and_types(source: Source) -> None:
    poll(source, 3600)
    kinds: dict[ColumnType, type[dt.DataType]] = {
        "string": dt.String,
        "json": dt.String,
        "timestamp": dt.Timestamp,
        "float": dt.Float64,
        "integer": dt.Int64,
        "boolean": dt.Boolean,
    }
    for table, columns in ((source.calls(NOW, FAR), CALL_COLUMNS), (source.feedback(NOW, FAR), FEEDBACK_COLUMNS)):
        schema = table.schema()
        assert schema.names == tuple(column.name for column in columns)
        for column in columns:
            assert isinstance(schema[column.name], kinds[column.type]), column.name
            if column.type == "timestamp":
                assert schema[column.name].timezone == "UTC"


def test_the_columns_of_the_log_are_known(source: Source) -> None:
    poll(source, 3600)
    assert set(calls()[0]) <= source.columns <= {column.name for column in CALL_COLUMNS}


def test_new_calls_are_seen_by_the_next_poll(sample: SourceSample, source: Source, tmp_path: Path) -> None:
    poll(source, 3600)
    sample.add(tmp_path, [{"id": "new", "started_at": at(3500)}])
    poll(source, 3700)
    assert [row["id"] for row in rows(source, at(3000), at(4000))] == ["new"]


def test_feedback_comes_back_as_it_was_given(sample: SourceSample, source: Source, tmp_path: Path) -> None:
    sample.feed(tmp_path, feedback())
    poll(source, 3600)
    found = source.feedback(at(0), at(100)).to_pyarrow().to_pylist()
    assert [{key: value for key, value in row.items() if value is not None} for row in found] == feedback()[:1]
    assert {"call_id", "at", "score"} <= source.feedback_columns


def test_a_quiet_source_advances(source: Source) -> None:
    assert poll(source, 3600).complete_until == at(3600) - LATENESS
    assert poll(source, 7200).complete_until == at(7200) - LATENESS


def test_the_oldest_call_is_known(source: Source) -> None:
    poll(source, 3600)
    assert source.oldest() == at(0)


def test_a_restart_reads_the_same_log(sample: SourceSample, source: Source, tmp_path: Path) -> None:
    poll(source, 3600)
    first = rows(source)
    source.close()
    again = sample.make(tmp_path, [])
    poll(again, 3630)
    assert rows(again) == first
    again.maintain(at(3660))
    assert rows(again) == first
    again.close()


def test_a_source_that_cannot_be_read_fails_and_advances_nothing(
    sample: SourceSample, source: Source, tmp_path: Path
) -> None:
    poll(source, 3600)
    sample.destroy(tmp_path)
    with pytest.raises(SourceError) as failure:
        poll(source, 7200)
    for secret in sample.secrets:
        assert secret not in str(failure.value)
    assert len(str(failure.value)) < 2000


def test_closing_twice_is_no_error(source: Source) -> None:
    source.close()


def test_an_empty_log_is_a_table_without_rows(sample: SourceSample, tmp_path: Path) -> None:
    source = sample.make(tmp_path, [])
    assert poll(source, 3600).complete_until == at(3600) - LATENESS
    assert rows(source) == []
    assert source.oldest() is None
    source.close()


def test_years_far_away_are_only_dates(source: Source) -> None:
    poll(source, 3600)
    assert rows(source, datetime(1990, 1, 1, tzinfo=UTC), datetime(1991, 1, 1, tzinfo=UTC)) == []
