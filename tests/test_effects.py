"""Effects: nothing where nothing changed, the right one where something did, and an interval around each."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_kit import NORMAL, SETTINGS, baseline, centres, days, embedded, joined, mixed, shuffled, traffic

from detectors import effects
from detectors.baseline import Baseline
from detectors.effects import difference, measure, place
from detectors.fitting import FitSample, fit
from detectors.measurement import OTHER, Key, Reason, Value

DRIFTS = {effect: Key.of("embedding_drift", effect=effect) for effect in ("novelty", "mix", "topic")}
RATIO = Key("out_of_distribution_ratio")
MORNING = [24.0 * 16 + hour for hour in range(8)]


def measured(sample: FitSample, against: Baseline | None = None) -> dict[Key, Value]:
    learnt = against or baseline()
    return measure(learnt, place(learnt, sample))


def drift(sample: FitSample, effect: str, against: Baseline | None = None) -> tuple[float, float, float]:
    found = measured(sample, against)[DRIFTS[effect]]
    assert found.value is not None
    assert found.lower is not None
    assert found.upper is not None
    return found.value, found.lower, found.upper


def test_newcombes_interval_is_the_published_one() -> None:
    """56 of 70 less 48 of 80 and 9 of 10 less 3 of 10: Newcombe 1998, table II, method 10."""
    assert difference(56 / 70, 70, 48 / 80, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert difference(9 / 10, 10, 3 / 10, 10) == pytest.approx((0.6, 0.1705, 0.8090), abs=5e-5)


@given(st.floats(0, 1), st.floats(1, 1e6), st.floats(0, 1), st.floats(1, 1e6), st.floats(0.5, 5))
def test_an_interval_of_a_difference_holds_it(now: float, n: float, before: float, m: float, z: float) -> None:
    value, lower, upper = difference(now, n, before, m, z)
    assert -1 - 1e-9 <= lower <= value <= upper <= 1 + 1e-9
    assert difference(before, m, now, n, z) == pytest.approx((-value, -upper, -lower), abs=1e-9)


def test_hardly_any_interval_leaves_zero_when_nothing_changed() -> None:
    missed = dict.fromkeys(DRIFTS, 0)
    values = []
    for seed in range(60):
        found = measured(traffic(MORNING, 25, seed=100 + seed))
        values.append(found[DRIFTS["mix"]].value)
        for effect, key in DRIFTS.items():
            each = found[key]
            missed[effect] += not each.lower <= 0 <= each.upper
    assert all(count <= 8 for count in missed.values()), missed
    assert abs(np.mean(values)) < 2 * np.std(values) / 60**0.5 + 2e-4


def test_a_new_topic_is_novel() -> None:
    value, lower, upper = drift(traffic(MORNING, 25, mixed(tomato=0.15), seed=5), "novelty")
    assert 0.02 < lower < value < upper < 0.25


def test_another_mix_of_known_topics_is_a_mix_and_not_novel() -> None:
    sample = traffic(MORNING, 25, mixed(parcel=0.5), seed=6)
    assert drift(sample, "mix")[1] > 0
    value, lower, upper = drift(sample, "topic")
    assert lower < 0.3 < upper
    assert 0 < lower < value
    assert abs(drift(sample, "novelty")[0]) < 0.03


def test_a_topic_that_vanishes_is_the_largest_change_with_its_sign() -> None:
    value, _, upper = drift(traffic(MORNING, 50, mixed(refund=0.0), seed=6), "topic")
    assert value < upper < 0


def test_more_calls_are_no_drift() -> None:
    found = measured(traffic(MORNING, 250, seed=7))
    assert all(abs(found[key].value) < 0.03 for key in DRIFTS.values())


def test_the_night_is_compared_with_nights() -> None:
    night, day = mixed(python=0.6), NORMAL
    hours = days(0, 14)
    dark = [hour for hour in hours if hour % 24 < 8]
    past = joined(
        traffic(dark, 25, night, seed=1), traffic([hour for hour in hours if hour % 24 >= 8], 25, day, seed=2)
    )
    fitted = fit(past, SETTINGS)
    value, lower, _ = drift(traffic(MORNING, 25, night, seed=3), "mix", fitted)
    assert lower <= 0
    assert drift(traffic([hour + 8 for hour in MORNING], 25, night, seed=3), "mix", fitted)[1] > max(5 * value, 0.01)


def test_the_order_of_texts_does_not_matter() -> None:
    sample = traffic(MORNING, 25, seed=8)
    first, second = measured(sample), measured(shuffled(sample, 1))
    assert list(first) == list(second)
    for key, value in first.items():
        assert (value.value, value.lower, value.upper) == pytest.approx(
            (second[key].value, second[key].lower, second[key].upper), abs=1e-9
        )


def test_shares_of_topics_sum_to_one_and_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "TOPICS_SHOWN", 3)
    found = measured(traffic(MORNING, 25, seed=8))
    shares = {dict(key.labels)["topic"]: value for key, value in found.items() if key.name == "topic_share"}
    assert list(shares) == [*(topic.name for topic in baseline().topics[:3]), OTHER]
    assert sum(value.value or 0 for value in shares.values()) == pytest.approx(1)
    assert all(value.lower <= value.value <= value.upper for value in shares.values())


def test_too_few_texts_have_shares_but_no_drift() -> None:
    found = measured(traffic(MORNING, 3, seed=8))
    assert [found[key] for key in DRIFTS.values()] == [Value(None, n=24, reason=Reason.TOO_FEW)] * 3
    assert found[RATIO].n == 24
    assert found[RATIO].value is not None


def test_without_texts_every_value_is_unknown() -> None:
    found = measured(traffic([], 1))
    assert set(found.values()) == {Value(None, n=0, reason=Reason.NO_VALUES)}
    assert set(found) == set(measured(traffic(MORNING, 25)))


def test_a_retry_loop_is_no_drift() -> None:
    sample = traffic(MORNING, 25, seed=9)
    loop = dataclasses.replace(
        traffic([MORNING[0]], 400, seed=10),
        texts=["help"] * 400,
        vectors=embedded(np.repeat(centres()[-1:], 400, axis=0)),
    )
    both = measured(joined(sample, loop))
    assert both[RATIO].n == len(sample.texts) + 1
    assert both[DRIFTS["novelty"]].value == pytest.approx(drift(sample, "novelty")[0], abs=0.01)


@given(st.lists(st.sampled_from(["", "\ud800", "\x00", "<b>", "x" * 100_000]), max_size=80), st.integers(0, 5))
def test_no_text_breaks_a_measurement(texts: list[str], seed: int) -> None:
    random = np.random.RandomState(seed)
    sample = FitSample(
        texts,
        embedded(centres()[random.randint(0, 8, len(texts))]),
        random.uniform(0, 1e9, len(texts)),
        [f"{row}" for row in range(len(texts))],
    )
    for value in measured(sample).values():
        if value.value is not None and value.lower is not None and value.upper is not None:
            assert value.lower <= value.value <= value.upper
            assert math.isfinite(value.lower + value.upper)
