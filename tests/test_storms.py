"""What is usual of retries: a storm is told from windows that differ anyway, and the baseline keeps it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_kit import SETTINGS, days, traffic

from detectors.baseline import Baseline
from detectors.change import change, retry_change, surely_changed
from detectors.descriptors import RETRY
from detectors.fitting import fit
from detectors.storms import Storms
from detectors.summary import Summary, summarise

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 5, tzinfo=UTC)


def storms(*shares: float, calls: int = 1_000) -> Storms:
    return Storms.of({START + number * HOUR: (round(share * calls), calls) for number, share in enumerate(shares)})


def test_windows_that_differ_by_chance_alone_count_every_call() -> None:
    random = np.random.default_rng(0)
    again = random.binomial(1_000, 0.02, 500)
    found = Storms.of({START + number * HOUR: (int(k), 1_000) for number, k in enumerate(again)})
    assert found.clump == pytest.approx(1, abs=0.15)


def test_retries_that_come_twenty_at_once_count_as_one_in_twenty() -> None:
    random = np.random.default_rng(0)
    again = 20 * random.poisson(1, 2_000)
    found = Storms.of({START + number * HOUR: (int(k), 1_000) for number, k in enumerate(again)})
    assert found.clump == pytest.approx(20, rel=0.1)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 500)), max_size=40))
def test_no_count_breaks_it_and_the_interval_holds_the_difference(windows: list[tuple[int, int]]) -> None:
    found = Storms.of({START + number * HOUR: counted for number, counted in enumerate(windows)})
    assert found.clump >= 1
    assert found.whole == (sum(k for k, _ in windows), sum(n for _, n in windows))
    changed = retry_change((3, 100), found)
    if windows:
        assert changed.lower <= changed.difference <= changed.upper  # type: ignore[operator]
    else:
        assert (changed.before, changed.difference, changed.strength) == (None, None, 0.0)


def test_a_storm_is_sure_and_what_windows_differ_by_anyway_is_not() -> None:
    usual = storms(*[0.01, 0.03, 0.0, 0.05, 0.02, 0.01] * 20)
    storm = retry_change((300, 1_000), usual)
    assert storm.strength > 0.5
    assert (storm.before, storm.now) == (pytest.approx(0.02), 0.3)
    assert storm.lower is not None
    assert storm.lower > 0.15
    # A share of independent calls would be sure of the same difference.
    assert retry_change((35, 1_000), usual).strength == 0
    assert retry_change((35, 1_000), storms(*[0.02] * 120)).strength > 0


def test_of_a_window_without_senders_nothing_is_said() -> None:
    assert retry_change((0, 0), storms(0.02, 0.03)).strength == 0


@pytest.fixture(scope="module")
def learnt() -> Baseline:
    sample = traffic(days(0, 4), 10)
    retries = {START + number * HOUR: (number % 3, 60) for number in range(96)}
    return fit(replace(sample, retries=retries), SETTINGS)


def test_a_baseline_keeps_them_exactly(learnt: Baseline) -> None:
    again = Baseline.from_bytes(learnt.to_bytes())
    assert again.storms is not None
    assert learnt.storms is not None
    assert again.version == learnt.version
    assert again.storms.again.tolist() == learnt.storms.again.tolist() == [0, 1, 2] * 32
    assert not again.storms.calls.flags.writeable
    assert learnt.summary.flags[RETRY] == (96, 5_760)


def test_a_storm_is_among_what_surely_changed_and_no_texts_need_change(learnt: Baseline) -> None:
    texts = traffic(days(4, 1), 10, seed=1).texts
    named = {each.name: each for each in surely_changed(learnt, summarise(texts, (200, 600)))}
    assert named[RETRY].before == pytest.approx(1 / 60)
    assert next(iter(named)) == RETRY
    assert RETRY not in {each.name for each in surely_changed(learnt, summarise(texts, (10, 600)))}


def test_of_a_baseline_that_did_not_count_them_nothing_is_said() -> None:
    old = fit(traffic(days(0, 4), 10), SETTINGS)
    assert old.storms is None
    assert Baseline.from_bytes(old.to_bytes()).version == old.version
    assert RETRY not in {each.name for each in surely_changed(old, summarise(["text"] * 60, (50, 60)))}


def test_without_a_baseline_s_storms_a_change_counts_calls_one_by_one() -> None:
    now, before = summarise(["a"], (35, 1_000)), summarise(["a"], (2_000, 100_000))
    assert {each.name: each for each in change(now, before)}[RETRY].strength > 0
    assert Summary().flags[RETRY] == (0, 0)
