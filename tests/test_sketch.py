"""The sketches against the numbers themselves, and that parts merge to the whole in any order."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import sketch
from detectors.sketch import ALPHA, LARGEST, SMALLEST, Histogram, Repeats

NUMBERS = st.one_of(st.just(0.0), st.integers(0, 10**6).map(float), st.floats(SMALLEST, LARGEST), st.just(math.nan))
LISTS = st.lists(NUMBERS, max_size=60)
HASHES = st.lists(st.integers(0, 40), max_size=60)


def histogram(numbers: list[float]) -> Histogram:
    return Histogram.of(np.array(numbers, dtype=np.float64))


@given(st.lists(st.one_of(st.just(0.0), st.floats(SMALLEST, LARGEST)), min_size=1, max_size=80), st.floats(0, 1))
def test_a_quantile_is_within_1_percent_of_the_number_at_its_rank(numbers: list[float], q: float) -> None:
    exact = sorted(numbers)[math.floor(q * (len(numbers) - 1))]
    assert abs(histogram(numbers).quantile(q) - exact) <= ALPHA * exact * (1 + 1e-9)


@given(LISTS, LISTS, LISTS)
def test_histograms_merge_to_that_of_the_whole_in_any_order(a: list[float], b: list[float], c: list[float]) -> None:
    x, y, z = histogram(a), histogram(b), histogram(c)
    whole = histogram(a + b + c)
    assert x.merged(y).merged(z) == x.merged(y.merged(z)) == z.merged(x).merged(y) == whole
    assert x.merged(Histogram()) == x


@given(LISTS)
def test_a_histogram_survives_json(numbers: list[float]) -> None:
    assert Histogram.from_json(json.loads(json.dumps(histogram(numbers).to_json()))) == histogram(numbers)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60))
def test_the_mean_is_exact(numbers: list[float]) -> None:
    assert histogram(numbers).mean == pytest.approx(math.fsum(numbers) / len(numbers), rel=1e-12, abs=1e-9)


def test_a_histogram_of_nothing_knows_nothing() -> None:
    empty = histogram([math.nan])
    assert (empty, empty.n) == (Histogram(), 0)
    assert math.isnan(empty.quantile(0.5))
    assert math.isnan(empty.mean)


def test_numbers_outside_of_the_range_stay_in_bounded_space() -> None:
    wide = histogram([1e-300, 0.0, math.inf, 1e300, *np.logspace(-9, 15, 20_000)])
    assert wide.zeros == 2
    assert len(wide.bins) <= 2_800
    assert wide.quantile(1) == pytest.approx(LARGEST, rel=ALPHA)


def test_negative_numbers_and_impossible_quantiles_are_refused() -> None:
    with pytest.raises(ValueError, match="from 0 on"):
        histogram([-1.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        histogram([1.0]).quantile(1.5)


@given(HASHES, HASHES, HASHES)
def test_repeats_merge_to_those_of_the_whole_in_any_order(a: list[int], b: list[int], c: list[int]) -> None:
    x, y, z = Repeats.of(a), Repeats.of(b), Repeats.of(c)
    assert x.merged(y).merged(z) == x.merged(y.merged(z)) == z.merged(x).merged(y) == Repeats.of(a + b + c)


def test_repeats_merge_exactly_beyond_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "TEXTS", 7)
    parts = np.random.default_rng(0).integers(0, 50, (5, 40)).tolist()
    merged = Repeats()
    for part in reversed(parts):
        merged = merged.merged(Repeats.of(part))
    assert merged == Repeats.of([each for part in parts for each in part])
    assert len(merged.counts) == 7


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_the_share_of_duplicates_is_exact_below_the_bound(hashes: list[int]) -> None:
    repeats = Repeats.from_json(json.loads(json.dumps(Repeats.of(hashes).to_json())))
    assert repeats.duplicates(len(hashes)) == pytest.approx(1 - len(set(hashes)) / len(hashes))


def test_the_share_of_duplicates_is_near_beyond_the_bound() -> None:
    rng = np.random.default_rng(1)
    space = rng.integers(0, sketch.HASH_SPACE, 20_000)
    drawn = rng.choice(space, 40_000)
    repeats = Repeats.of(drawn.tolist())
    assert len(repeats.counts) == sketch.TEXTS
    assert repeats.duplicates(40_000) == pytest.approx(1 - len(set(drawn.tolist())) / 40_000, abs=0.01)


def test_duplicates_of_a_large_set_are_those_that_a_small_draw_of_it_has() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.zipf(1.5, 20_000)
    draws = [rng.choice(drawn, 300, replace=False) for _ in range(200)]
    seen = np.mean([1 - len(set(draw.tolist())) / 300 for draw in draws])
    assert Repeats.of(drawn.tolist()).duplicates(300) == pytest.approx(seen, abs=0.01)


def test_no_texts_have_no_share_of_duplicates() -> None:
    assert math.isnan(Repeats().duplicates(10))
    assert math.isnan(Repeats.of([1, 1]).duplicates(0))
