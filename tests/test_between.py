"""Two baselines beside each other: what is strange, which topics came and moved, which descriptors changed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from text_kit import SETTINGS, days, mixed, small, traffic

from detectors.baseline import Baseline
from detectors.between import LEAST_CHANGE, between
from detectors.descriptors import RETRY
from detectors.fitting import fit

RETRIES: Mapping[datetime, tuple[int, int]] = {
    datetime(2026, 1, 9, tzinfo=UTC) + timedelta(hours=number): (5 + number % 2, 50) for number in range(96)
}


@pytest.fixture(scope="module")
def later() -> Baseline:
    """Two weeks later: fewer refunds, more recipes, and gardens, which the earlier one does not have; longer texts."""
    sample = traffic(days(14, 4), 20, mixed(refund=0.05, recipe=0.4, tomato=0.2), seed=3)
    return fit(replace(sample, texts=[f"{text} and so on and on" for text in sample.texts], retries=RETRIES), SETTINGS)


def test_topics_that_came_grew_and_shrank_are_told_apart(later: Baseline) -> None:
    _, before = small()
    found = between(before, later)
    assert (found.strange.lower or 0) > 0.1
    assert [each.strange > 0.9 for each in found.came] == [True]
    assert "tomato" in found.came[0].topic.terms
    moved = {each.topic.terms[0]: each for each in found.moved}
    grown = next(each for each in found.moved if "recipe" in each.topic.terms)
    shrunk = next(each for each in found.moved if "refund" in each.topic.terms)
    assert grown.lower > 0.1
    assert shrunk.upper < -0.1
    assert all(each.lower <= each.now - each.before <= each.upper for each in moved.values())
    assert {each.name for each in found.descriptors} >= {"characters"}


def test_alike_baselines_differ_in_nothing_that_matters() -> None:
    _, before = small()
    found = between(before, fit(traffic(days(4, 4), 30, seed=9), SETTINGS))
    assert found.came == ()
    assert found.strange.value == pytest.approx(0.05, abs=0.03)
    assert all(abs(each.now - each.before) < 3 * LEAST_CHANGE for each in found.moved)


def test_retries_are_compared_where_both_know_them(later: Baseline) -> None:
    sample, without = small()
    usual = dict.fromkeys(RETRIES, (1, 50))
    knows = replace(without, storms=fit(replace(sample, retries=usual), SETTINGS).storms)
    assert RETRY not in {each.name for each in between(without, later).descriptors}
    (found,) = [each for each in between(knows, later).descriptors if each.name == RETRY]
    assert (found.before, found.now) == (pytest.approx(0.02), pytest.approx(0.11))
