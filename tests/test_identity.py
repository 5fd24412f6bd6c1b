"""Which model answered: what is found in a log on both engines, and what of it is news."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import ENGINES, Log, duckdb_log, log_maker
from oracle import ended_in, segment_of
from random_logs import MAX_DURATION, MINUTE, START, random_calls, windows

from detectors.identity import (
    IDENTIFYING,
    MOST_KEPT,
    MOST_NEWS,
    QUIET,
    Known,
    Name,
    Seen,
    latest,
    learn,
    said,
    seen,
    usual_before,
    was_replaced,
)
from detectors.measurement import NONE, Window

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


@pytest.fixture(params=ENGINES)
def make_log(request: pytest.FixtureRequest) -> Callable[..., Log]:
    return log_maker(request)


def a_value(value: str, first: datetime, last: datetime | None = None, **changes: Any) -> Seen:
    fields = {"column": "model", "service": "support", "calls": 1} | changes
    return Seen(value=value, first=first, last=last or first, **fields)


def learnt(known: dict[Name, Known], found: Iterable[Seen]) -> list[Seen]:
    """Learns and remembers; what was news."""
    step = learn(known, found)
    known.update(step.known)
    return list(step.news)


def test_both_engines_find_every_value_with_its_first_and_last_call_and_count(make_log: Callable[..., Log]) -> None:
    rows = random_calls(4, 400)
    for number, row in enumerate(rows):
        row["response_model"] = None if number % 3 else f" {row['model']}-2026 "
    (span,) = [Window(windows(6)[0].start, windows(6)[-1].end)]
    expected: dict[Name, list[int]] = {}
    for call in ended_in(rows, span):
        for column in ("model", "response_model"):
            (_, service), (_, value) = segment_of(call.row, ("service", column)).labels
            if value != NONE:
                expected.setdefault((column, service, value), []).append(call.at)
    found = seen(make_log(rows), span, MAX_DURATION)
    epoch, microsecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
    assert {each.name: (each.first, each.last, each.calls) for each in found} == {
        name: (epoch + min(ats) * microsecond, epoch + max(ats) * microsecond, len(ats))
        for name, ats in expected.items()
    }


def test_a_log_without_such_columns_is_not_asked() -> None:
    log = duckdb_log([{"id": "1", "started_at": START}], columns=("id", "started_at"))
    log.call_table = None
    assert seen(log, windows(1)[0], MAX_DURATION) == []


def test_what_was_usual_is_the_commonest_value_of_the_hour_before(make_log: Callable[..., Log]) -> None:
    rows = [
        {"id": f"{minute}", "started_at": START + minute * MINUTE, "service": "s", "model": model}
        for minute, model in enumerate(["rare"] * 3 + ["usual"] * 40 + ["rare"] * 5 + ["new"])
    ]
    rows += [{"id": f"o{n}", "started_at": START + n * MINUTE, "service": "other", "model": "x"} for n in range(48)] * 3
    log = make_log(rows)
    new = next(each for each in seen(log, Window(START, START + DAY), MAX_DURATION) if each.value == "new")
    assert usual_before(log, new, MAX_DURATION) == "usual"
    assert usual_before(log, a_value("new", START, service="s"), MAX_DURATION) is None


def test_the_first_values_of_a_service_are_no_news_and_later_ones_are() -> None:
    known: dict[Name, Known] = {}
    assert learnt(known, [a_value("a", NOON), a_value("b", NOON + QUIET)]) == []
    late = a_value("c", NOON + QUIET + timedelta(seconds=1))
    assert learnt(known, [late]) == [late]
    assert learnt(known, [late]) == []
    assert learnt(known, [a_value("d", NOON + DAY, service="another")]) == []
    assert learnt(known, [a_value("fp", NOON + DAY, column="system_fingerprint")]) == []


def test_a_value_that_comes_back_after_a_day_on_which_another_answered_is_news_again() -> None:
    known: dict[Name, Known] = {}
    learnt(known, [a_value("a", NOON, NOON + 3 * DAY)])
    swap = a_value("b", NOON + 3 * DAY, NOON + 5 * DAY)
    back = a_value("a", NOON + 5 * DAY, NOON + 6 * DAY)
    assert learnt(known, [swap]) == [swap]
    assert learnt(known, [back]) == [back]
    assert learnt(known, [back]) == []
    assert known["model", "support", "a"] == Known(back.first, back.last, is_news=True)
    assert said(back, latest(known, back)) == "support: b → a (model)"


def test_a_value_that_was_away_for_hours_or_that_nobody_replaced_is_no_news() -> None:
    known: dict[Name, Known] = {}
    learnt(known, [a_value("a", NOON), a_value("b", NOON)])
    assert learnt(known, [a_value("a", NOON + 0.9 * DAY)]) == []
    assert learnt({("model", "support", "a"): Known(NOON, NOON)}, [a_value("a", NOON + 5 * DAY)]) == []


def test_after_days_without_any_call_all_come_back_and_none_is_news(make_log: Callable[..., Log]) -> None:
    at = [(0, "a"), (0, "b"), (72, "a"), (73, "b"), (120, "a")]
    rows = [{"id": f"{n}", "started_at": START + h * QUIET, "service": "s", "model": m} for n, (h, m) in enumerate(at)]
    log = make_log(rows)
    assert not was_replaced(log, a_value("b", START + 73 * QUIET, service="s"), MAX_DURATION)
    assert was_replaced(log, a_value("a", START + 90 * QUIET, service="s"), MAX_DURATION)


def test_a_long_span_does_not_hide_that_a_value_was_away(make_log: Callable[..., Log]) -> None:
    at = [(0, "a"), (1, "b"), (20, "b"), (30, "b"), (60, "a")]
    rows = [{"id": f"{n}", "started_at": START + n * QUIET, "service": "s", "model": model} for n, model in at]
    found = seen(make_log(rows), Window(START, START + 4 * DAY), MAX_DURATION)
    assert [each.value for each in learn({}, found).news] == ["a"]


def test_what_comes_again_is_remembered_with_its_last_call() -> None:
    known: dict[Name, Known] = {}
    learnt(known, [a_value("a", NOON)])
    learnt(known, [a_value("a", NOON + DAY, NOON + 2 * DAY)])
    learnt(known, [a_value("a", NOON, NOON + DAY)])
    assert known == {("model", "support", "a"): Known(NOON, NOON + 2 * DAY)}


def test_a_column_that_holds_ids_fills_neither_the_store_nor_the_page() -> None:
    known: dict[Name, Known] = {}
    learnt(known, [a_value("a", NOON)])
    flood = [a_value(f"id-{n}", NOON + 2 * QUIET + n * timedelta(seconds=1), calls=2) for n in range(300)]
    step = learn(known, flood)
    assert [each.value for each in step.news] == [f"id-{n}" for n in range(MOST_NEWS)]
    assert len(step.known) == MOST_KEPT - 1
    assert step.dropped == {"model": 2 * (300 - MOST_KEPT + 1)}
    # Another column has its own places.
    assert learn({**known, **step.known}, [a_value("fp", NOON, column="system_fingerprint")]).dropped == {}


calls = st.tuples(
    st.integers(0, 2000), st.sampled_from(IDENTIFYING), st.sampled_from(["s", "t"]), st.sampled_from("abcdefgh")
)


@given(st.lists(calls, max_size=60), st.lists(st.integers(0, 2000), max_size=6), st.lists(st.booleans(), max_size=7))
def test_how_the_log_is_cut_and_whether_it_is_read_twice_makes_no_difference(
    log: list[tuple[int, str, str, str]], cuts: list[int], twice: list[bool]
) -> None:
    def grouped(start: int, end: int) -> list[Seen]:
        found: dict[Name, list[datetime]] = {}
        for minute, *name in log:
            if start <= minute < end:
                found.setdefault(tuple(name), []).append(NOON + minute * MINUTE)  # type: ignore[arg-type]
        return [Seen(*name, min(ats), max(ats), len(ats)) for name, ats in found.items()]

    whole: dict[Name, Known] = {}
    news = learnt(whole, grouped(0, 2001))
    edges, parts, heard = [0, *sorted(cuts), 2001], dict[Name, Known](), list[Seen]()
    for number, (start, end) in enumerate(pairwise(edges)):
        for _ in range(1 + (number < len(twice) and twice[number])):
            heard += learnt(parts, grouped(start, end))
    assert parts == whole
    assert [(each.name, each.first) for each in heard] == [(each.name, each.first) for each in news]


def test_a_change_reads_as_a_person_says_it() -> None:
    new = a_value("gpt-y", NOON, column="response_model")
    assert said(new, "gpt-x") == "support: gpt-x → gpt-y (response_model)"
    assert said(a_value("gpt-y", NOON, service=NONE), None) == "gpt-y (model)"
    known = {
        ("model", "support", "old"): Known(NOON - DAY, NOON - DAY),
        ("model", "support", "recent"): Known(NOON - DAY, NOON - MINUTE),
        ("model", "support", "later"): Known(NOON + MINUTE, NOON + DAY),
        ("model", "other", "x"): Known(NOON - DAY, NOON),
    }
    assert latest(known, a_value("new", NOON)) == "recent"
    assert latest({}, a_value("new", NOON)) is None
