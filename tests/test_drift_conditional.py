"""Responses given their prompts: a change of the model is seen, a change of the prompts is not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pair_kit import (
    DAYS,
    LENGTH_S,
    PER_DAY,
    SETTINGS,
    SHARES,
    TOPICS,
    D,
    Model,
    N,
    answers,
    calibration,
    directions,
    fitted,
    sample,
    styled,
    terse,
    window,
    wrong,
)
from text_kit import DAY, START, unit

from detectors.archive import from_bytes, to_bytes
from detectors.drift.conditional import CHANNELS, LEAST_PAIRS
from detectors.drift.conditional_detector import KINDS, PairReading, PairState, PairTest, begin, step
from detectors.drift.judged import Judged, judge
from detectors.drift.moved import effect, shift, unusual
from detectors.drift.pair_baseline import PairBaseline, PairSample, fit_pairs
from detectors.drift.pair_usual import Counted
from detectors.drift.pairs import CLOSEST, NEAREST, Pairs, distances
from detectors.drift.verdict import Stakes, bet
from detectors.fitting import TooFewError
from detectors.sealed import UnreadableError

TEST = PairTest(30.0)


def read(windows: Iterator[Judged], test: PairTest = TEST) -> list[PairReading]:
    state, found = begin(calibration()), []
    for each in windows:
        state, reading = step(calibration(), test, state, each)
        found.append(reading)
    return found


def alarmed(model: Model = answers, shares: NDArray[np.floating] = SHARES, count: int = 16) -> set[str]:
    readings = read(window(number, model, shares) for number in range(count))
    return {channel for each in readings for channel in each.alarms}


def test_a_surprise_is_what_a_plain_computation_says() -> None:
    known, asked = sample(range(3), n=40), sample(range(3, 4), n=30)
    pairs = Pairs.of(*known.vectors)
    found = pairs.see(*asked.vectors)
    x, y = (np.asarray(each, np.float64) for each in (pairs.prompts, pairs.responses))

    def beside(prompt: NDArray[np.floating], but: int = -1) -> list[int]:
        cosines = [-np.inf if row == but else float(x[row] @ prompt) for row in range(len(x))]
        return sorted(range(len(x)), key=lambda row: -cosines[row])

    def u(response: NDArray[np.floating], rows: list[int]) -> float:
        return 1 - float(np.mean(sorted(float(y[row] @ response) for row in rows[:NEAREST])[-CLOSEST:]))

    own = np.array([u(y[row], beside(x[row], row)) for row in range(len(x))])
    rest = np.array([own[row] - own[beside(x[row], row)[:NEAREST]].mean() for row in range(len(x))])
    for number in range(30):
        prompt, response = (np.asarray(each[number], np.float64) for each in asked.vectors)
        rows = beside(prompt)
        variance = 0.8 * np.mean(rest[rows[:30]] ** 2) + 0.2 * np.mean(rest**2)
        assert found.surprise[number] == pytest.approx((u(response, rows) - own[rows[:10]].mean()) / variance**0.5)
        assert found.rest[number] == pytest.approx(response - y[rows[:10]].mean(axis=0), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 6), st.integers(1, 5), st.integers(0, 2**31 - 1))
def test_a_distance_lies_between_the_same_and_the_opposite(k: int, n: int, seed: int) -> None:
    random = np.random.RandomState(seed)
    rows, others = unit(random.standard_normal((n, 3))), unit(random.standard_normal((8, 3)))
    indices = np.stack([random.permutation(8)[:k] for _ in range(n)]) if k else np.zeros((n, 0), np.intp)
    found = distances(rows, others, indices)
    assert np.all((found > -1e-6) & (found < 2 + 1e-6))
    # One more answer to compare with never makes a response farther, once there are three.
    if k > CLOSEST:
        assert np.all(found <= distances(rows, others, indices[:, :-1]) + 1e-9)


def test_equal_pairs_count_once_and_no_more_are_kept_than_there_is_room_for() -> None:
    prompts, responses = sample(range(1), n=30).vectors
    twice = Pairs.of(np.concatenate([prompts, prompts]), np.concatenate([responses, responses]))
    assert len(twice.own) == 30
    wide = np.zeros((12_100, 1))
    wide[:, 0] = np.linspace(-1, 1, 12_100)
    many = unit(np.concatenate([wide, np.random.RandomState(0).standard_normal((12_100, 3))], axis=1))
    assert len(Pairs.of(many, many).own) == 12_000


def test_nothing_is_raised_when_nothing_changes() -> None:
    readings = read(window(number) for number in range(60))
    assert not any(each.alarms for each in readings)
    assert abs(np.mean([np.mean(window(number).surprise) for number in range(20)])) < 0.15


def test_wrong_answers_are_stranger_and_the_calls_shown_are_wrong_ones() -> None:
    assert "stranger" in alarmed(wrong)
    shown, planted = 0, 0
    for number in range(10):
        at = DAYS * PER_DAY + number
        calls = sample(range(at, at + 1), wrong, seed=1)
        judged = fitted().judge(datetime.fromtimestamp(START + at * LENGTH_S, UTC), calls)
        right = np.argmax(calls.vectors[1] @ directions()[TOPICS : 2 * TOPICS].T, axis=1)
        asked = np.argmax(calls.vectors[0] @ directions()[:TOPICS].T, axis=1)
        found = unusual(judged, calibration())
        assert (found.side, found.share > 0.05) == ("stranger", True)
        shown, planted = shown + len(found.rows), planted + sum(right[row] != asked[row] for row in found.rows)
    assert planted >= 0.8 * shown > 0


def test_a_model_that_says_always_the_same_is_closer() -> None:
    assert alarmed(terse) == {"closer"}
    value = shift(window(0, terse), calibration())
    assert value.upper is not None
    assert value.upper < 0


def test_another_style_is_seen_although_no_answer_is_wrong() -> None:
    assert "style" in alarmed(styled)


def test_other_prompts_are_no_other_model() -> None:
    mixed = np.array([0.05, 0.05, 0.1, 0.1, 0.7])
    assert alarmed(shares=mixed, count=40) == set()


def test_prompts_unlike_the_baseline_are_left_out() -> None:
    calls = sample(range(200, 201), seed=2)
    strange = unit(np.random.RandomState(0).standard_normal((N, D)))
    judged = fitted().judge(
        datetime.fromtimestamp(START + 200 * LENGTH_S, UTC), replace(calls, vectors=(strange, strange))
    )
    assert judged.n < N / 4
    assert shift(judged, calibration()).value is None


def test_windows_of_any_size_are_compared_on_one_scale() -> None:
    few, many = (np.array([calibration().scores(window(each, n=n)) for each in range(40)]) for n in (55, 400))
    assert 0.5 < few[:, 0].std() / many[:, 0].std() < 2
    assert 0.4 < few[:, 1].std() / many[:, 1].std() < 2.5


def test_a_window_is_read_once_and_in_order() -> None:
    state, _ = step(calibration(), TEST, begin(calibration()), window(1))
    with pytest.raises(ValueError, match="once and in order"):
        step(calibration(), TEST, state, window(0))


def test_an_alarm_goes_on_until_the_change_has_gone_for_two_days_and_can_come_again() -> None:
    models = [wrong] * 12 + [answers] * 16 + [wrong] * 12
    state, episodes, alarms = begin(calibration()), [], 0
    for number, model in enumerate(models):
        state, reading = step(calibration(), TEST, state, window(number, model))
        episodes.append(state.episodes[0] is not None)
        alarms += "stranger" in reading.alarms
    assert alarms == 2
    assert episodes[11] is True
    assert episodes[27] is False


def test_what_is_remembered_can_be_kept_as_bytes() -> None:
    state: PairState = begin(calibration())
    for number in range(6):
        again: PairState = from_bytes(to_bytes(state), KINDS)
        state, reading = step(calibration(), TEST, state, window(number, wrong))
        _, other = step(calibration(), TEST, again, window(number, wrong))
        assert reading == other


def test_a_channel_with_an_alarm_makes_no_bets() -> None:
    stakes = Stakes(100, LENGTH_S, 30.0, 3)
    before = np.ones((3, 2)), np.ones(3), (False,) * 3
    found = bet(stakes, before, (0.5, 0.01, 1 / 101), np.array([False, True, True]), 0.25)
    assert found.sums[0].tolist() == [0.0, 0.0]
    assert found.by_channel[2] > found.by_channel[1] > found.by_channel[0] == 0
    assert found.records == (False, False, True)
    assert not found.twice.any()


def test_the_limit_of_the_effect_is_rarely_passed_however_often_one_looks() -> None:
    random, passed = np.random.RandomState(0), 0
    known, weight = calibration(), calibration().weight
    for _ in range(300):
        off = np.cumsum(random.standard_normal(100) * (known.dispersion * weight) ** 0.5)
        counted = [Counted(t + 1, N * (t + 1.0), float(off[t]), weight * (t + 1.0), np.zeros(D)) for t in range(100)]
        passed += any(effect(each, "stranger", known).lower > 0 for each in counted)
    assert passed <= 0.05 * 300


@given(st.floats(-50, 50), st.integers(1, 500))
def test_the_two_sides_of_an_effect_agree(off: float, windows: int) -> None:
    known = calibration()
    counted = Counted(windows, float(N * windows), off, known.weight * windows, np.zeros(D))
    up, down = (effect(counted, side, known) for side in ("stranger", "closer"))
    assert up.value == down.value
    assert not (up.clears and down.clears)
    assert max(up.lower, down.lower) < abs(up.value)


def test_a_baseline_is_the_same_in_any_order_of_its_calls() -> None:
    calls = sample(range(40), n=60)
    order = np.random.RandomState(0).permutation(len(calls.ids))
    texts = [calls.ids[row] for row in order]
    vectors = (calls.vectors[0][order], calls.vectors[1][order])
    one, other = (
        fit_pairs(each, SETTINGS) for each in (calls, PairSample(texts, texts, vectors, calls.at[order], texts))
    )
    assert one.version == other.version
    assert one.drift is not None


def test_a_baseline_comes_back_from_its_bytes_and_not_from_others() -> None:
    data = fitted().to_bytes()
    again = PairBaseline.from_bytes(data)
    assert (again.version, again.to_bytes() == data) == (fitted().version, True)
    assert shift(
        again.judge(datetime.fromtimestamp(START + 500 * DAY, UTC), sample(range(2000, 2001))), again.drift
    ).value
    for bad in (b"", data[:1000], b"PK" + bytes(100)):
        with pytest.raises(UnreadableError):
            PairBaseline.from_bytes(bad)


def test_texts_that_were_made_otherwise_are_refused() -> None:
    assert fitted().refuses("model-1", "redactor-1") == ""
    assert "embedder" in fitted().refuses("model-2", "redactor-1")
    assert "redactor" in fitted().refuses("model-1", "redactor-2")


def test_the_largest_baseline_fits_into_25_megabytes() -> None:
    random = np.random.RandomState(0)
    rows = unit(random.standard_normal((12_000, 384))).astype(np.float16)
    numbers = random.random_sample(12_000)
    large = replace(fitted(), pairs=Pairs(rows, rows[::-1].copy(), numbers, numbers.copy(), numbers.copy()))
    assert 15_000_000 < len(large.to_bytes()) < 25_000_000


def test_too_few_pairs_are_a_reason() -> None:
    with pytest.raises(TooFewError):
        fit_pairs(sample(range(4), n=20), SETTINGS)
    short = fit_pairs(sample(range(12), n=60), SETTINGS)
    assert short.drift is None
    judged = short.judge(datetime.fromtimestamp(START + 12 * LENGTH_S, UTC), sample(range(12, 13), n=60))
    assert shift(judged, short.drift).value is None


def test_the_baseline_says_how_often_it_would_have_alarmed_itself() -> None:
    found = dict(calibration().hindsight)
    assert set(found) == {10.0, 30.0, 90.0, 300.0}
    assert found[30.0] <= 2


def test_a_window_of_next_to_nothing_is_no_error() -> None:
    seen = fitted().pairs.see(*sample(range(1), n=4).vectors)
    for n in range(3):
        assert judge(START, seen, np.arange(n)).n == n < LEAST_PAIRS
    assert len(CHANNELS) == 3
