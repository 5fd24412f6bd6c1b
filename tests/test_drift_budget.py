"""One budget of false alarms, split over all that can raise one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.drift.budget import WEIGHTS, Stream, split
from detectors.drift.slow import LEAST_DAYS, rate

streams = st.lists(st.sampled_from(sorted(WEIGHTS)), min_size=1, max_size=12)
budgets = st.floats(1, 1_000)


@given(budgets, streams, st.data())
def test_the_rates_of_all_detectors_sum_to_the_budget(days: float, of: list[Stream], data: st.DataObject) -> None:
    slow = [rate(data.draw(st.integers(0, 90))) for _ in of]
    shares = split(days, of, slow)
    spent = sum(each for each, share in zip(slow, shares, strict=True) if share.slow)
    assert sum(1 / share.days for share in shares) + spent == pytest.approx(1 / days)
    assert spent <= 0.5 / days * (1 + 1e-12)


@given(budgets, streams, st.data())
def test_whole_days_are_compared_by_all_of_a_stream_or_by_none(
    days: float, of: list[Stream], data: st.DataObject
) -> None:
    slow = [rate(data.draw(st.integers(0, 90))) for _ in of]
    shares = split(days, of, slow)
    for stream in set(of):
        mine = [(share.slow, each) for share, each, name in zip(shares, slow, of, strict=True) if name == stream]
        assert {is_slow for is_slow, each in mine if each > 0} != {True, False}
    if sum(slow) <= 0.5 / days * (1 - 1e-9):
        assert [share.slow for share in shares] == [each > 0 for each in slow]


def test_where_whole_days_cost_too_much_prompts_keep_them_longest() -> None:
    of: list[Stream] = ["response", "response_given_prompt", "prompt"] * 2  # pinned and rolling
    found = {name: share.slow for name, share in zip(of, split(30, of, [rate(28)] * 6), strict=True)}
    assert found == {"prompt": True, "response_given_prompt": True, "response": False}
    found = {name: share.slow for name, share in zip(of, split(70, of, [rate(28)] * 6), strict=True)}
    assert found == {"prompt": True, "response_given_prompt": False, "response": False}


@given(budgets, streams)
def test_who_weighs_more_hears_of_it_sooner(days: float, of: list[Stream]) -> None:
    shares = split(days, of, [0.0] * len(of))
    for stream, share in zip(of, shares, strict=True):
        assert share.days * WEIGHTS[stream] == pytest.approx(shares[0].days * WEIGHTS[of[0]])
        assert not share.slow


def test_prompts_have_the_largest_share_then_what_is_answered_to_them() -> None:
    prompt, given_prompt, response = split(30, ["prompt", "response_given_prompt", "response"], [0.0] * 3)
    assert prompt.days < given_prompt.days < response.days
    assert split(30, ["prompt"], [0.0])[0].days == pytest.approx(30)


def test_whole_days_that_cost_more_than_half_of_the_budget_are_left_out() -> None:
    assert split(30, ["prompt"], [rate(28)])[0].slow
    spent = split(300, ["prompt"], [rate(28)])[0]
    assert not spent.slow
    assert spent.days == pytest.approx(300)


def test_whole_days_cost_one_alarm_in_290_days_after_four_weeks() -> None:
    assert 1 / rate(28) == pytest.approx(290)  # two records in a row come once in 435 days; stretches, half as often
    assert (rate(LEAST_DAYS - 1), rate(LEAST_DAYS) > 0) == (0.0, True)
