"""From records of text to canonical rows: every type, every spelling of a time, and what cannot be read."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sources.common import Redaction
from monitor.canonical import CALLS, FEEDBACK, Canonical
from monitor.redact import Redactor
from monitor.sources.base import SourceError
from monitor.sources.engines.memory import connect
from monitor.sources.expressions import Expressions
from monitor.sources.mapping import Mapped, Mapper

UTC_TIME = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def mapper(zone: str = "UTC", canonical: Canonical = CALLS, **columns: str) -> Mapper:
    return Mapper(Expressions(canonical, columns, "sources.log.columns", zone), Redactor(Redaction()), connect())


def mapped(*records: dict[str, Any], zone: str = "UTC", **columns: str) -> Mapped:
    using = mapper(zone, **columns)
    rows = using.map([using.texts([(number * 10, record) for number, record in enumerate(records)], 7)])
    using.close()
    return rows


def value(column: str, given: Any, **columns: str) -> Any:
    """What becomes of one field of a record."""
    rows = mapped({"id": "1", "started_at": "2026-01-01", column: given}, **columns).rows
    return rows[column][0].as_py()


def time(given: Any, zone: str = "UTC") -> datetime | None:
    return mapped({"id": "1", "started_at": "2026-01-01", "ended_at": given}, zone=zone).rows["ended_at"][0].as_py()


@pytest.mark.parametrize(
    "given",
    [
        "2026-03-01T12:30:15.123456Z",
        "2026-03-01T12:30:15.123456+00:00",
        "2026-03-01 12:30:15.123456",
        "2026-03-01 12:30:15.123456 UTC",
        "2026-03-01T18:00:15.123456+05:30",
        "2026-03-01T18:00:15.123456+0530",
        "2026-03-01T07:30:15.123456-05",
        "2026-03-01T12:30:15.123456789Z",
        "2026-03-01 12:30:15,123456",
        "  2026-03-01T12:30:15.123456Z\n",
        1772368215.123456,
        "1772368215.123456",
        1772368215123.456,
        1772368215123456,
        "1772368215123456",
        1772368215123456789,
        "1772368215123456789",
    ],
)
def test_a_time_may_be_written_in_many_ways(given: Any) -> None:
    assert time(given) == UTC_TIME


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-01-01 12:00:00", datetime(2026, 1, 1, 11, tzinfo=UTC)),
        ("2026-07-01 12:00:00", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-07-01T12:00:00Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("1772368215", datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_has_the_zone_of_the_source(given: str, expected: datetime) -> None:
    assert time(given, "Europe/Berlin") == expected


@pytest.mark.parametrize(
    "given",
    ["soon", "infinity", "-infinity", "epoch", "20260301", 12, "9999-12-31", "1969-12-31", "1e30", -1772368215, True],
)
def test_what_is_no_plausible_time_is_unreadable(given: Any) -> None:
    rows = mapped({"id": "1", "started_at": "2026-01-01", "ended_at": given})
    assert rows.rows["ended_at"][0].as_py() is None
    assert rows.unreadable == {"ended_at": 1}


EARLIEST = datetime(1990, 1, 1)  # noqa: DTZ001 — hypothesis wants the bounds without a zone
LATEST = datetime(2200, 1, 1)  # noqa: DTZ001


@given(st.datetimes(EARLIEST, LATEST), st.integers(-14 * 60, 14 * 60))
def test_any_time_keeps_its_microseconds_however_it_is_written(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    seconds = f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
    spellings = [moment.isoformat(), local.isoformat(), str(micros), seconds, micros * 1000, naive.isoformat(" ")]
    using = mapper()
    records = [(0, {"id": "1", "started_at": spelling}) for spelling in spellings]
    rows = using.map([using.texts(records, 0)]).rows
    using.close()
    assert rows["started_at"].to_pylist() == [moment] * len(spellings)


@pytest.mark.parametrize(
    ("column", "given", "expected"),
    [
        ("streamed", True, True),
        ("streamed", "False", False),
        ("streamed", 1, True),
        ("streamed", "no", False),
        ("streamed", "", None),
        ("input_tokens", 12, 12),
        ("input_tokens", "12.0", 12),
        ("input_tokens", " 12 ", 12),
        ("input_tokens", None, None),
        ("latency_s", "1e-3", 0.001),
        ("latency_s", 0.1, 0.1),
        ("latency_s", "inf", None),
        ("model", 7, "7"),
        ("model", True, "true"),
        ("model", ["a", {"b": None}], '["a",{"b":null}]'),
        ("model", "", ""),
        ("prompt", {"a": "é"}, '{"a":"é"}'),
        ("tags", {"a": [1, 2.5]}, '{"a":[1,2.5]}'),
        ("tags", '{"a": 1}', '{"a": 1}'),
        ("tags", 'no "json"', '"no \\"json\\""'),
        ("tags", "", None),
        ("tags", {"n": 10**30}, '{"n": 1000000000000000000000000000000}'),
    ],
)
def test_a_field_becomes_its_canonical_type(column: str, given: Any, expected: Any) -> None:
    assert value(column, given) == expected


@pytest.mark.parametrize(
    ("column", "given"),
    [
        ("streamed", "maybe"),
        ("input_tokens", "many"),
        ("latency_s", "nan"),
        ("latency_s", {"s": 1}),
        ("input_tokens", 1e30),
    ],
)
def test_a_value_that_does_not_fit_becomes_null_and_is_counted(column: str, given: Any) -> None:
    rows = mapped({"id": "1", "started_at": "2026-01-01", column: given}, {"id": "2", "started_at": "2026-01-01"})
    assert rows.rows[column].to_pylist() == [None, None]
    assert rows.unreadable == {column: 1}


def test_an_expression_sees_every_top_level_field_as_text() -> None:
    usage = {"prompt_tokens": 5}
    assert value("input_tokens", None, input_tokens="usage->>'$.prompt_tokens'") is None
    rows = mapped(
        {"id": "1", "started_at": "2026-01-01", "usage": usage, "ms": 1500},
        {"id": "2", "started_at": "2026-01-01", "usage": "{broken", "ms": "slow"},
        {"id": "3", "started_at": "2026-01-01"},
        input_tokens="usage->>'$.prompt_tokens'",
        latency_s="ms::DOUBLE / 1000",
        model="coalesce(model, 'none')",
    )
    assert rows.rows["input_tokens"].to_pylist() == [5, None, None]
    assert rows.rows["latency_s"].to_pylist() == [1.5, None, None]
    assert rows.rows["model"].to_pylist() == ["none"] * 3
    assert rows.unreadable == {"input_tokens": 1, "latency_s": 1}


def test_an_expression_may_give_its_own_types() -> None:
    rows = mapped(
        {"id": "1", "started_at": "2026-01-01 00:00:00", "done": "2026-01-01 00:00:02", "n": "3"},
        id="md5(id)",
        ended_at="strptime(done, '%Y-%m-%d %H:%M:%S')",
        latency_s="done::TIMESTAMP - started_at::TIMESTAMP",
        streamed="n::INTEGER > 2",
        tags="{'n': n::INTEGER}",
        tool_calls="[n::INTEGER]",
        zone="Europe/Berlin",
    )
    (row,) = rows.rows.to_pylist()
    assert row["ended_at"] == datetime(2025, 12, 31, 23, 0, 2, tzinfo=UTC)
    assert (row["latency_s"], row["streamed"]) == (2.0, True)
    assert (row["tags"], row["tool_calls"]) == ('{"n":3}', "[3]")


def test_names_with_spaces_and_words_of_sql_are_names() -> None:
    rows = mapped({"request id": "r", "from": "2026-01-01"}, id='"request id"', started_at='"from"')
    assert rows.rows["id"].to_pylist() == ["r"]


def test_rows_without_identity_or_time_are_left_out_with_their_place() -> None:
    rows = mapped(
        {"id": "1", "started_at": "2026-01-01"}, {"started_at": "2026-01-01"}, {"id": "3", "ended_at": "2026-01-01"}
    )
    assert rows.rows["id"].to_pylist() == ["1"]
    assert rows.bad == [(7, 10, "missing_id"), (7, 20, "missing_started_at")]


def test_the_rows_have_the_canonical_schema_whatever_the_records_have() -> None:
    assert mapped({"id": "1", "started_at": "2026-01-01", "more": 1}).rows.schema == CALLS.schema
    assert mapped({}).rows.schema == CALLS.schema


def test_texts_are_redacted_and_nothing_else_is() -> None:
    mail = "bob@example.com"
    texts = {name: mail for name in CALLS.texts if name not in ("messages", "tool_calls", "tags")}
    (row,) = mapped(
        {"id": mail, "started_at": "2026-01-01", "user_id": mail, "messages": [{"content": mail}], **texts}
    ).rows.to_pylist()
    assert (row["id"], row["user_id"]) == (mail, mail)
    assert {row[name] for name in texts} == {"[email]"}
    assert row["messages"] == '[{"content":"[email]"}]'


def test_an_expression_must_give_one_value_for_each_record() -> None:
    with pytest.raises(SourceError, match=r"sources\.log\.columns"):
        mapped({"id": "1", "started_at": "2026-01-01"}, model="unnest([id, id])")


def test_feedback_is_mapped_by_the_same_rules() -> None:
    using = mapper(canonical=FEEDBACK, score="CASE vote WHEN 'up' THEN 1 ELSE 0 END")
    records = [
        (0, {"call_id": "1", "at": "2026-01-01", "vote": "up", "comment": "a@example.com"}),
        (5, {"at": "2026-01-01"}),
    ]
    rows = using.map([using.texts(records, 0)])
    using.close()
    assert rows.rows.to_pylist()[0]["score"] == 1.0
    assert rows.rows.to_pylist()[0]["comment"] == "[email]"
    assert rows.bad == [(0, 5, "missing_call_id")]
