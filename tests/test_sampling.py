"""The sample of a window: chosen by the hash of the id, the same on every engine and in any order of rows."""

import hashlib
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from logs import ENGINES, Log, log_maker

from detectors.measurement import NONE, Segment, Window
from detectors.sampling import LONGEST_TEXT, PAIRS, AnyStream, Sample, Sampling, hours

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window(START, START + HOUR)
MAX_DURATION = timedelta(minutes=10)
WHOLE = Segment()


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest) -> Callable[..., Log]:
    return log_maker(request)


def call(number: int, **fields: Any) -> dict[str, Any]:
    row = {"id": f"c{number}", "started_at": START + number * timedelta(seconds=10), "latency_s": 1.0}
    return row | {"prompt": f"question {number}", "response": f"answer {number}"} | fields


def draw(log: Log, size: int = 20, stream: AnyStream = "prompt", segment: Segment = WHOLE) -> Sample:
    return Sampling(size, MAX_DURATION).draw(log, stream, WINDOW, segment)


def by_hash(rows: list[dict[str, Any]]) -> list[str]:
    return sorted((row["id"] for row in rows), key=lambda name: hashlib.md5(name.encode()).hexdigest())


def test_the_sample_is_the_first_ids_by_their_hash(make: Callable[..., Log]) -> None:
    rows = [call(number) for number in range(200)]
    sample = draw(make(rows))
    assert list(sample.ids) == by_hash(rows)[:20]
    assert sample.population == 200
    assert [f"question {name[1:]}" for name in sample.ids] == list(sample.texts)
    at = [round((START + timedelta(seconds=10 * int(name[1:]) + 1)).timestamp() * 1e6) for name in sample.ids]
    assert list(sample.ended_us) == at


def test_the_samples_of_many_windows_are_those_of_each(make: Callable[..., Log]) -> None:
    log = make([call(number) for number in range(300)])
    sampling, quarter = Sampling(7, MAX_DURATION), timedelta(minutes=15)
    together = sampling.draw_each(log, "prompt", WINDOW, WHOLE, quarter)
    parts = [Window(START + number * quarter, START + (number + 1) * quarter) for number in range(4)]
    each = [sampling.draw(log, "prompt", part, WHOLE) for part in parts]
    assert sorted(together.ids) == sorted(name for sample in each for name in sample.ids)
    assert list(together.ids) == by_hash([{"id": name} for name in together.ids])
    assert together.population == sum(sample.population for sample in each)


def test_the_order_of_rows_does_not_matter(make: Callable[..., Log]) -> None:
    rows = [call(number) for number in range(60)]
    shuffled = random.Random(1).sample(rows, len(rows))
    assert draw(make(rows)) == draw(make(shuffled))


def test_a_larger_sample_begins_with_the_smaller_one(make: Callable[..., Log]) -> None:
    log = make([call(number) for number in range(60)])
    assert list(draw(log, 40).ids)[:10] == list(draw(log, 10).ids)


def test_only_calls_of_the_segment_and_the_window_are_taken(make: Callable[..., Log]) -> None:
    rows = [call(number, service="a" if number % 2 else None) for number in range(400)]
    assert set(draw(make(rows), 1000, segment=Segment.of(service="a")).ids) == {
        row["id"] for number, row in enumerate(rows) if number % 2 and number < 360
    }
    assert draw(make(rows), 1000, segment=Segment.of(service=NONE)).population == 180


def test_what_says_nothing_or_was_cut_is_left_out(make: Callable[..., Log]) -> None:
    rows = [
        call(1),
        call(2, prompt=None, response=None),
        call(3, text_truncated=True),
        call(4, error_type="server"),
        call(5, error_type="cancelled"),
        call(6, prompt="", response=""),
    ]
    log = make(rows)
    assert sorted(draw(log).ids) == ["c1", "c4", "c6"]
    assert sorted(draw(log, stream="response").ids) == ["c1", "c6"]


def test_hostile_text_comes_back_bounded(make: Callable[..., Log]) -> None:
    texts = ["x" * (LONGEST_TEXT + 5), "<script>alert(1)</script>", "'; drop table t; --", "ü💥\u202e"]
    sample = draw(make([call(number, prompt=text) for number, text in enumerate(texts)]))
    assert sorted(map(len, sample.texts)) == sorted([LONGEST_TEXT, *map(len, texts[1:])])


def test_an_empty_window_has_an_empty_sample(make: Callable[..., Log]) -> None:
    sample = draw(make([call(1, started_at=START - HOUR)]))
    assert (list(sample.ids), sample.population) == ([], 0)


def test_the_hours_of_a_span_are_counted(make: Callable[..., Log]) -> None:
    rows = [call(number, prompt=None if number == 3 else "x") for number in range(400)]
    found = hours(make(rows), "prompt", Window(START, START + 3 * HOUR), Segment(()), MAX_DURATION)
    assert found == {START: 359, START + HOUR: 40}


def test_a_pair_is_a_call_that_succeeded_with_both_texts(make: Callable[..., Log]) -> None:
    rows = [call(number) for number in range(40)]
    rows[0]["response"] = None
    rows[1]["prompt"] = None
    rows[2]["error_type"] = "server"
    rows[3]["text_truncated"] = True
    log, kept = make(rows), {f"c{number}" for number in range(4, 40)}
    pairs = draw(log, 100, stream=PAIRS)
    assert set(pairs.ids) == kept
    assert pairs.population == len(kept)
    both = [(f"question {name[1:]}", f"answer {name[1:]}") for name in pairs.ids]
    assert list(zip(pairs.texts, pairs.answers, strict=True)) == both
    # The same calls as the responses' sample of the same size, as far as these have a prompt.
    assert list(pairs.ids) == [name for name in draw(log, 100, stream="response").ids if name in kept]
    each = Sampling(100, MAX_DURATION).draw_each(log, PAIRS, WINDOW, WHOLE, timedelta(minutes=15))
    assert list(each.answers) == list(pairs.answers)
    assert sum(hours(log, PAIRS, WINDOW, WHOLE, MAX_DURATION).values()) == 38
    assert draw(log, 100).answers == []
