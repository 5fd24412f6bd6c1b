"""Feedback by key and segment, on DuckDB and PostgreSQL, against a loop."""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from logs import ENGINES, duckdb_log, log_maker
from oracle import label, segment_of
from random_logs import MINUTE, START, random_calls, windows

from detectors.catalogue import BY_NAME
from detectors.derived import MICROSECOND
from detectors.feedback import Feedback
from detectors.intervals import normal, wilson
from detectors.measurement import NONE, OTHER, Batch, Key, Reason, Segment, Window
from detectors.segments import other

LOOKBACK = 3 * MINUTE
FEEDBACK = Feedback(LOOKBACK, positive_above=0.5, max_keys=3)
Row = Mapping[str, Any]


@pytest.fixture(params=ENGINES)
def log_of(request: pytest.FixtureRequest) -> Any:
    """A function from calls and feedback to a log, for each engine."""
    return log_maker(request)


def random_feedback(seed: int, calls: Sequence[Row], count: int) -> list[dict[str, Any]]:
    """Ratings with everything that real ones have: unknown calls, nonsense scores, keys in odd spellings."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        call = chance.choice(calls)
        rows.append(
            {
                "call_id": chance.choice((call["id"], call["id"], "unknown", None)),
                "at": chance.choice(
                    (
                        call["started_at"] + MICROSECOND * chance.randrange(240_000_000),
                        START + MINUTE * chance.randrange(6),
                        call["started_at"] + LOOKBACK,
                        call["started_at"] + LOOKBACK + MICROSECOND,
                    )
                ),
                "key": chance.choice(("thumbs", "thumbs", " thumbs ", "O'x", None, "", "rare", "rarer", "k" * 300)),
                "score": chance.choice((1.0, 0.0, 0.5, chance.random(), None, math.nan, math.inf, -3.25)),
                "kind": chance.choice(("user", "human", "model", " MODEL ", None)),
            }
        )
    return rows


def call_of(rating: Row, calls: Sequence[Row]) -> Row:
    """The latest call that the rating can be about; an empty one when there is none."""
    at = rating["at"]
    found = [c for c in calls if c["id"] == rating["call_id"] and at - LOOKBACK <= c["started_at"] <= at]
    return max(found, key=lambda call: call["started_at"], default={})


def by_people(feedback: Sequence[Row], window: Window) -> list[Row]:
    return [
        rating
        for rating in feedback
        if window.start <= rating["at"] < window.end and (rating["kind"] or "").strip().lower() != "model"
    ]


def top_keys(ratings: Sequence[Row]) -> set[str]:
    counts = Counter(label(rating["key"]) for rating in ratings)
    return set(sorted(counts, key=lambda key: (-counts[key], len(key), key))[: FEEDBACK.max_keys])


def assert_feedback(batch: Batch, row: int, ratings: Sequence[Row], keys: set[str]) -> None:
    """The values of a row, given its ratings and the keys that are measured by name in its window."""
    by_key: dict[str, list[Row]] = {}
    for rating in ratings:
        name = label(rating["key"])
        by_key.setdefault(name if name in keys else OTHER, []).append(rating)
    values = batch.measured(row).values
    assert {dict(key.labels)["key"] for key in values} == set(by_key)
    for key, mine in by_key.items():
        count = values[Key.of("feedbacks", key=key)]
        assert (count.value, count.n) == (len(mine), len(mine))
        scores = [r["score"] for r in mine if r["score"] is not None and math.isfinite(r["score"])]
        score = values[Key.of("feedback_score", key=key)]
        positive = values[Key.of("feedback_positive_ratio", key=key)]
        assert (score.n, positive.n) == (len(scores), len(scores))
        if scores:
            assert score.value == pytest.approx(math.fsum(scores) / len(scores), rel=1e-11, abs=1e-11)
            assert positive.value == sum(each > 0.5 for each in scores) / len(scores)
        else:
            assert (score.reason, positive.reason) == (Reason.NO_VALUES, Reason.NO_VALUES)


def measured(log: Any, batch: Sequence[Window], segments: Mapping[Segment, datetime] | None = None) -> Batch:
    return FEEDBACK.measure(log, batch, () if segments is None else ("model",), segments or {})


@pytest.mark.parametrize("length", [MINUTE, 3 * MINUTE])
def test_feedback_is_measured_as_by_hand(log_of: Any, length: timedelta) -> None:
    calls = random_calls(31, 100)
    feedback = random_feedback(31, calls, 400)
    batch = measured(log_of(calls, feedback), windows(6, length, MINUTE))
    assert len(batch.rows) == 6
    for number, (_, window) in enumerate(batch.rows):
        ratings = by_people(feedback, window)
        assert_feedback(batch, number, ratings, top_keys(ratings))


def test_feedback_belongs_to_the_segment_of_its_call(log_of: Any) -> None:
    calls = random_calls(32, 100)
    calls += [{**call, "started_at": call["started_at"] + 7 * MICROSECOND, "model": "m9"} for call in calls[:30]]
    feedback = random_feedback(32, calls, 400)
    admitted = {
        Segment.of(model="m1"): START,
        Segment.of(model="m9"): START,
        Segment.of(model=NONE): START + 2 * MINUTE,
    }
    batch = measured(log_of(calls, feedback), windows(6), admitted)
    assert {segment for segment, _ in batch.rows} == {*admitted, other(("model",))}
    for number, (segment, window) in enumerate(batch.rows):
        ratings = by_people(feedback, window)
        mine = []
        for rating in ratings:
            named = segment_of(call_of(rating, calls), ("model",))
            known = named in admitted and window.end > admitted[named]
            if (named if known else other(("model",))) == segment:
                mine.append(rating)
        assert_feedback(batch, number, mine, top_keys(ratings))


def test_a_window_does_not_depend_on_how_windows_are_batched() -> None:
    calls = random_calls(33, 60)
    log = duckdb_log(calls, random_feedback(33, calls, 150))
    admitted = {Segment.of(model="m1"): START, Segment.of(model="m2"): START + 3 * MINUTE}
    whole = measured(log, windows(6), admitted)
    parts = [measured(log, part, admitted) for part in (windows(6)[:1], windows(6)[1:4], windows(6)[4:])]
    assert sorted(row for part in parts for row in part.rows) == sorted(whole.rows)
    for part in parts:
        for number, row in enumerate(part.rows):
            assert part.measured(number) == whole.measured(whole.rows.index(row))


def test_scores_carry_their_intervals(log_of: Any) -> None:
    scores = [1.0, 0.0, 1.0, 1.0]
    feedback = [{"call_id": str(i), "at": START, "key": "thumbs", "score": score} for i, score in enumerate(scores)]
    values = measured(log_of([], feedback), windows(1)).measured(0).values
    score = values[Key.of("feedback_score", key="thumbs")]
    lower, upper = (float(each) for each in normal(0.75, 0.5, 4))  # type: ignore[arg-type]
    assert (score.value, score.lower, score.upper) == pytest.approx((0.75, lower, upper))
    ratio = values[Key.of("feedback_positive_ratio", key="thumbs")]
    lower, upper = (float(each) for each in wilson(3.0, 4.0))  # type: ignore[arg-type]
    assert (ratio.value, ratio.lower, ratio.upper) == pytest.approx((0.75, lower, upper))


def test_feedback_at_a_windows_end_belongs_to_the_next_window(log_of: Any) -> None:
    feedback = [{"call_id": "1", "at": START + MINUTE + offset * MICROSECOND, "key": "k"} for offset in (-1, 0)]
    batch = measured(log_of([], feedback), windows(2))
    assert batch.series[Key.of("feedbacks", key="k")].value.tolist() == [1, 1]


def test_a_window_without_feedback_has_a_row_and_no_keys(log_of: Any) -> None:
    feedback = [{"call_id": "1", "at": START, "key": "k"}]
    batch = measured(log_of([], feedback), windows(2), {Segment.of(model="m1"): START})
    assert batch.rows[:2] == [(Segment.of(model="m1"), window) for window in windows(2)]
    assert batch.measured(0).values == {}
    assert batch.value(*batch.rows[0], Key.of("feedbacks", key="k")) is None
    assert measured(log_of([], []), windows(2)).series == {}


def test_feedback_without_scores_is_counted_and_the_column_is_missed(log_of: Any) -> None:
    feedback = [{"call_id": "1", "at": START, "key": "k"}]
    values = measured(log_of([], feedback), windows(1)).measured(0).values
    assert values[Key.of("feedbacks", key="k")].value == 1
    assert values[Key.of("feedback_score", key="k")].reason == Reason.MISSING_COLUMN


def test_the_catalogue_lists_what_feedback_measures() -> None:
    feedback = [{"call_id": "1", "at": START, "key": "k"}]
    series = measured(duckdb_log([], feedback), windows(1)).series
    assert {key.name for key in series} == FEEDBACK.measures
    assert all([name for name, _ in BY_NAME[key.name].labels] == ["key"] for key in series)
