"""Explanations: the topics that really grew, those that are really new, and no more false ones than was said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_kit import NEW, WORDS, baseline, days, joined, mixed, shuffled, traffic

from detectors.effects import place
from detectors.explain import Explanation, adjusted, rate_ratio
from detectors.explain import explain as explain_placed
from detectors.fitting import FitSample
from detectors.topics import terms_of

STRETCH = [24.0 * 16 + hour for hour in range(24)]
PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=50)


def explain(sample: FitSample, population: int | None = None) -> Explanation:
    return explain_placed(baseline(), place(baseline(), sample), population)


def test_a_grown_topic_is_named_with_ratio_and_counts() -> None:
    found = explain(traffic(STRETCH, 20, mixed(parcel=0.5), seed=3))
    change = found.grown[0]
    assert set(change.topic.terms[:3]) <= set(WORDS[1])
    assert change.ratio_lower < 2.5 < (change.ratio_upper or 0)
    assert 0 < change.lower < change.now - change.before < change.upper
    assert change.per_hour_before == pytest.approx(4, rel=0.2)
    assert change.per_hour == pytest.approx(10, rel=0.2)
    assert len(change.exemplars) == 3
    assert {each.topic.id for each in found.shrunk} <= {topic.id for topic in baseline().topics} - {change.topic.id}


def test_a_burst_of_one_topic_leaves_the_calls_per_hour_of_the_others() -> None:
    burst = np.zeros(len(WORDS))
    burst[1] = 1
    found = explain(joined(traffic(STRETCH, 20, seed=3), traffic(STRETCH, 20, burst, seed=4)))
    assert found.shrunk
    for change in found.shrunk:
        assert (change.ratio or 0) < 0.75
        assert change.per_hour == pytest.approx(change.per_hour_before, rel=0.35)


def test_few_topics_change_by_chance() -> None:
    false = [explain(traffic(STRETCH, 20, seed=200 + seed)) for seed in range(30)]
    assert sum(bool(each.grown or each.shrunk) for each in false) <= 6
    assert not any(each.new for each in false)


def test_a_new_topic_is_found_with_its_calls_and_words() -> None:
    sample = traffic(STRETCH, 20, mixed(tomato=0.12), seed=5)
    belongs = dict(zip(sample.ids, sample.texts, strict=True))
    found = explain(sample).new[0]
    assert found.terms[0] in WORDS[NEW]
    assert len(found.exemplars) == 3
    assert all(set(belongs[call].split()) & set(WORDS[NEW]) for call in found.exemplars)
    assert found.expected < 1
    assert 0.04 < found.share <= 0.12 * 1.3
    assert found.strange > 0.5


def test_the_order_of_texts_does_not_matter() -> None:
    sample = traffic(STRETCH, 20, mixed(tomato=0.12), seed=5)
    first, second = explain(sample), explain(shuffled(sample, 2))
    assert [change.topic.id for change in first.grown] == [change.topic.id for change in second.grown]
    assert [change.exemplars for change in first.shrunk] == [change.exemplars for change in second.shrunk]
    assert first.new == second.new


def test_the_calls_of_which_the_texts_are_a_sample_are_counted() -> None:
    sample = traffic(STRETCH, 20, mixed(parcel=0.5), seed=3)
    some, all_ = explain(sample), explain(sample, 10 * len(sample.ids))
    assert all_.grown[0].per_hour == pytest.approx(10 * some.grown[0].per_hour)
    assert all_.grown[0].now == some.grown[0].now


def test_nothing_explains_nothing() -> None:
    assert explain(traffic([], 1)) == Explanation()
    alone = explain(traffic(days(16, 1)[:1], 1))
    assert alone.new == ()


def test_benjamini_and_hochberg_adjust_as_published() -> None:
    """The 15 p-values of their paper (JRSS B 57, 1995, section 4): four are significant at 5 %."""
    p = np.array(
        [
            0.0001,
            0.0004,
            0.0019,
            0.0095,
            0.0201,
            0.0278,
            0.0298,
            0.0344,
            0.0459,
            0.3240,
            0.4262,
            0.5719,
            0.6528,
            0.7590,
            1,
        ]
    )
    assert np.count_nonzero(adjusted(p) <= 0.05) == 4


@given(PROBABILITIES)
def test_adjusted_p_values_keep_the_order_and_are_not_smaller(values: list[float]) -> None:
    p = np.array(values)
    q = adjusted(p)
    assert ((q >= p) & (q <= 1)).all()
    assert (np.diff(q[np.argsort(p, kind="stable")]) >= 0).all()


@given(PROBABILITIES, st.data())
def test_a_smaller_p_value_makes_no_other_less_significant(values: list[float], data: st.DataObject) -> None:
    p = np.array(values)
    less = p.copy()
    less[data.draw(st.integers(0, len(p) - 1))] = 0
    assert (adjusted(less) <= adjusted(p) + 1e-12).all()


@given(st.integers(0, 500), st.integers(1, 10**6), st.floats(0, 500), st.floats(1, 1e6))
def test_an_interval_of_a_rate_ratio_holds_it(k: int, n: int, j: float, m: float) -> None:
    ratio, lower, upper = rate_ratio(k, n, j, m)
    assert lower >= 0
    if ratio is not None:
        assert lower <= ratio * (1 + 1e-9)
        assert upper is None or ratio <= upper * (1 + 1e-9)


def test_a_rate_ratio_without_calls_before_is_unbounded() -> None:
    ratio, lower, upper = rate_ratio(5, 100, 0, 100)
    assert (ratio, upper) == (None, None)
    assert lower > 1
    assert rate_ratio(0, 100, 5, 100)[:2] == (0, 0)
    assert rate_ratio(0, 100, 0, 100) == (None, 0, None)
    assert rate_ratio(20, 100, 10, 100)[0] == pytest.approx(2)


def test_terms_tell_a_topic_from_the_others() -> None:
    texts = [f"please help with {word}" for word in ["parcel"] * 5 + ["refund"] * 5]
    found = terms_of(texts, np.repeat([0, 1], 5), 2)
    assert [terms[0] for terms in found] == ["parcel", "refund"]
