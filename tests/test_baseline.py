"""Baselines: what they hold, that they come back to the last bit, and when they refuse."""

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_kit import (
    DAY,
    NORMAL,
    SETTINGS,
    START,
    baseline,
    centres,
    days,
    embedded,
    joined,
    mixed,
    shuffled,
    small,
    traffic,
)

from detectors import baseline as module
from detectors import fitting, ood, reservoir
from detectors.baseline import Baseline
from detectors.effects import outlier_days
from detectors.embedder import Embedded
from detectors.features import Features, bandwidth, radius, squared_distance, take
from detectors.fitting import FitSample, TooFewError, fit
from detectors.profile import History, usual, window_length
from detectors.sealed import TooLargeError, UnreadableError

HOUR = timedelta(hours=1)


def counts(per_hour: list[int]) -> dict[datetime, int]:
    return {datetime.fromtimestamp(START, UTC) + hour * HOUR: n for hour, n in enumerate(per_hour)}


def repeated(n: int = 960) -> FitSample:
    """One text again and again over two days."""
    at = START + np.linspace(0, 2 * DAY - 1, n)
    ids = [f"call-{number}" for number in range(n)]
    return FitSample(["hello"] * n, embedded(np.repeat(centres()[:1], n, axis=0)), at, ids)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_does_not_change_a_byte(seed: int) -> None:
    sample, fitted = small()
    assert fit(shuffled(sample, seed), SETTINGS).to_bytes() == fitted.to_bytes()


def test_a_baseline_comes_back_to_the_last_bit() -> None:
    fitted = baseline()
    data = fitted.to_bytes()
    again = Baseline.from_bytes(data)
    assert again.to_bytes() == data
    assert (again.version, again.settings, again.topics) == (fitted.version, fitted.settings, fitted.topics)
    assert (again.fitted_from, again.fitted_until) == (fitted.fitted_from, fitted.fitted_until)
    assert again.summary == fitted.summary
    x = traffic(days(20, 1)).vectors
    assert (ood.score_texts(again.scorer, x) == ood.score_texts(fitted.scorer, x)).all()


@pytest.mark.parametrize("kind", ["lof", "isolation_forest", "mahalanobis"])
def test_every_scorer_comes_back_with_its_baseline(kind: ood.Kind) -> None:
    fitted = fit(traffic(days(0, 4), 10), dataclasses.replace(SETTINGS, scorer=kind))
    again = Baseline.from_bytes(fitted.to_bytes())
    x = traffic(days(20, 1)).vectors
    assert again.version == fitted.version
    assert (ood.score_texts(again.scorer, x) == ood.score_texts(fitted.scorer, x)).all()


def test_other_texts_give_another_version() -> None:
    sample = traffic(days(0, 4), 10)
    version = fit(sample, SETTINGS).version
    assert fit(sample, SETTINGS).version == version
    assert fit(traffic(days(0, 4), 10, seed=1), SETTINGS).version != version
    assert fit(sample, dataclasses.replace(SETTINGS, redactor="redactor-2")).version != version


def test_a_baseline_cannot_be_changed() -> None:
    fitted = baseline()
    with pytest.raises(dataclasses.FrozenInstanceError):
        fitted.texts = 3  # type: ignore[misc]
    for array in (fitted.reservoir, fitted.calibration, fitted.centroids, fitted.history.n):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_changed_bytes_are_refused() -> None:
    data = bytearray(baseline().to_bytes())
    data[len(data) // 2] ^= 1
    with pytest.raises(UnreadableError):
        Baseline.from_bytes(bytes(data))


@given(st.one_of(st.binary(max_size=200), st.just(b"PK\x03\x04" + b"\0" * 40)))
def test_what_is_no_baseline_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        Baseline.from_bytes(data)


def test_a_baseline_that_is_too_large_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = baseline()
    monkeypatch.setattr(module, "MOST_BYTES", 1_000)
    with pytest.raises(TooLargeError, match="more than 1,000"):
        fitted.to_bytes()


def test_what_was_made_in_another_way_is_refused_with_the_reason() -> None:
    fitted = baseline()
    assert fitted.refuses("model-1", "redactor-1") == ""
    assert "another embedder (model, tokenizer, normaliser or chunking)" in fitted.refuses("model-2", "redactor-1")
    assert "another redactor: fitted with redactor-1, now redactor-2" in fitted.refuses("model-1", "redactor-2")
    assert "another descriptors" in fitted.refuses("model-1", "redactor-1", "descriptors-0")
    assert fitted.refuses("model-2", "redactor-2").count("another") == 2


def test_scores_are_calibrated_on_later_texts_that_the_scorer_never_saw() -> None:
    sample, fitted = small()
    later = sample.at >= START + 3 * DAY
    known = {row.tobytes() for row in sample.vectors.mean[~later].astype(np.float16)}
    assert {row.tobytes() for row in fitted.reservoir} == known
    assert len(fitted.calibration) == np.count_nonzero(later)
    assert np.isnan(fitted.history.strange).tolist() == [start < START + 3 * DAY for start in fitted.history.start]


def test_one_in_twenty_normal_texts_is_out_of_distribution() -> None:
    fresh = traffic(days(30, 10), 30, seed=9)
    p = ood.p_values(ood.score_texts(baseline().scorer, fresh.vectors), baseline().calibration)
    assert 0.03 < np.mean(p <= 0.05) < 0.07


def test_reservoir_and_calibration_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservoir, "MOST", 300)
    monkeypatch.setattr(fitting, "CALIBRATION", 120)
    sample = traffic(days(0, 4), 30)
    fitted = fit(sample, SETTINGS)
    assert (len(fitted.reservoir), len(fitted.calibration)) == (300, 120)
    assert fit(shuffled(sample, 1), SETTINGS).version == fitted.version
    monkeypatch.setattr(reservoir, "_MOST_BYTES", 100 * 2 * sample.vectors.mean.shape[1])
    assert len(fit(sample, SETTINGS).reservoir) == 100


@pytest.mark.parametrize("hours", [[], [0.0], days(0, 1)[:5]])
def test_too_few_texts_are_counted_in_the_error(hours: list[float]) -> None:
    with pytest.raises(TooFewError) as caught:
        fit(traffic(hours, 10), SETTINGS)
    assert caught.value.reference + caught.value.later == 10 * len(hours)
    assert caught.value.least == 100
    assert f"there are {caught.value.reference} and {caught.value.later}" in str(caught.value)


def test_one_repeated_text_is_a_baseline_once_it_was_seen_in_enough_windows() -> None:
    with pytest.raises(TooFewError):
        fit(repeated(), SETTINGS)
    fitted = fit(repeated(), dataclasses.replace(SETTINGS, window_length=HOUR, least=10))
    assert (len(fitted.reservoir), fitted.texts, len(fitted.topics)) == (1, 48, 1)
    assert Baseline.from_bytes(fitted.to_bytes()).version == fitted.version


def test_a_text_counts_once_a_window() -> None:
    sample = traffic(days(0, 4), 30)
    doubled = dataclasses.replace(joined(sample, sample), ids=[f"id-{row}" for row in range(2 * len(sample.ids))])
    fitted = fit(doubled, dataclasses.replace(SETTINGS, window_length=timedelta(hours=4)))
    assert fitted.texts == len(sample.ids)
    assert fitted.history.n.tolist() == [120.0] * 24
    assert fitted.history.calls.tolist() == [240.0] * 24


def test_hostile_texts_have_a_baseline_that_comes_back() -> None:
    sample = traffic(days(0, 4), 10)
    hostile = ["", "\x00", "\ud800 half", "<script>x</script>", "a" * 100_000, "\u202e", "12 34"]
    sample = dataclasses.replace(
        sample, texts=[hostile[row % 7] * (1 + row // 7 % 3) for row in range(len(sample.texts))]
    )
    fitted = fit(sample, dataclasses.replace(SETTINGS, window_length=HOUR))
    again = Baseline.from_bytes(fitted.to_bytes())
    assert (again.version, again.topics) == (fitted.version, fitted.topics)


def test_texts_are_not_kept_but_for_the_beginnings_of_exemplars() -> None:
    sample = traffic(days(0, 4), 10)
    sample = dataclasses.replace(sample, texts=[text + " padding" * 40 for text in sample.texts])
    fitted = fit(sample, SETTINGS)
    exemplars = [text for topic in fitted.topics for text in topic.exemplars]
    assert max(map(len, exemplars)) == 200
    header = str(module._header(fitted))
    assert sum(hashlib.sha256(text.encode()).hexdigest() in header or text in header for text in sample.texts) == 0
    assert sum(text[:200] in header for text in sample.texts) == len(exemplars)


def test_long_texts_put_their_chunks_into_the_reservoir() -> None:
    sample, of_whole_texts = small()
    n = len(sample.ids)
    chunks = np.concatenate([sample.vectors.mean, np.roll(sample.vectors.mean, 1, axis=0)])
    owner = np.tile(np.arange(n), 2)
    order = np.argsort(owner, kind="stable")
    long = dataclasses.replace(sample, vectors=Embedded(sample.vectors.mean, chunks[order], owner[order]))
    fitted = fit(long, SETTINGS)
    assert len(fitted.reservoir) > len(of_whole_texts.reservoir)
    assert fitted.texts == n


@given(st.permutations(range(5)))
def test_taking_texts_takes_their_chunks(order: list[int]) -> None:
    owner = np.array([0, 0, 1, 2, 2, 2, 3, 4])
    chunk = np.arange(8, dtype=np.float32)[:, np.newaxis]
    taken = take(Embedded(np.arange(5, dtype=np.float32)[:, np.newaxis], chunk, owner), np.array(order[:3]))
    for place, text in enumerate(order[:3]):
        assert taken.mean[place, 0] == text
        assert taken.chunk[taken.owner == place, 0].tolist() == np.flatnonzero(owner == text).tolist()
    assert (np.diff(taken.owner) >= 0).all()


@pytest.mark.parametrize(
    ("per_hour", "hours"),
    [([100] * 48, 1), ([99] * 48, 2), ([26] * 48, 4), ([13] * 48, 8), ([5] * 48, 24), ([4] * 48, None), ([], None)],
)
def test_a_window_is_as_short_as_a_hundred_calls_allow(per_hour: list[int], hours: int | None) -> None:
    assert window_length(counts(per_hour)) == (hours and timedelta(hours=hours))


def test_empty_nights_do_not_make_windows_longer() -> None:
    assert window_length(counts(([0] * 9 + [500] * 8 + [1] * 7) * 5 + [0] * 48)) == HOUR


def test_the_chosen_length_is_frozen_in_the_baseline() -> None:
    assert baseline().settings.window_length == timedelta(hours=8)
    sample = dataclasses.replace(traffic(days(0, 4), 10), hours=counts([500] * 96))
    assert fit(sample, SETTINGS).settings.window_length == HOUR
    few = fit(traffic(days(0, 20), 4), SETTINGS)
    assert (few.settings.window_length, few.length_s) == (None, DAY)


def history(values: np.ndarray, n: np.ndarray, first: float = START) -> History:
    start = first + 3_600.0 * np.arange(len(n))
    nothing = np.full(len(n), np.nan)
    topics = np.round(values[:, np.newaxis]).astype(np.int64)
    return History(3_600.0, start, n, n, topics, nothing, values[:, np.newaxis].astype(np.float16))


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=24 * 9),
    st.lists(st.integers(0, 24 * 20), min_size=1, max_size=30),
)
def test_weights_of_what_is_usual_sum_to_one(n: list[int], hours: list[int]) -> None:
    past = history(np.zeros(len(n)), np.array(n, np.float64))
    found = usual(past, START + 3_600.0 * np.array(hours))
    assert found.weights.sum() == pytest.approx(1)
    assert found.noise >= 1 / sum(n) * (1 - 1e-9)
    shares = found.shares(np.stack([n, np.zeros(len(n))], axis=1), past.n)
    assert shares.sum() == pytest.approx(1)


def test_hours_and_weekends_add_up_to_what_is_usual() -> None:
    hour, day = np.arange(24 * 14) % 24, np.arange(24 * 14) // 24
    values = hour + np.where(day % 7 >= 5, 7.0, 0.0)
    quiet = np.where((day % 7 >= 5) & (hour < 8), 10.0, 100.0)
    found = [
        usual(history(values, np.full(24 * 14, 100.0)), np.array([START + 3_600.0 * at])) for at in (3, 5 * 24 + 3)
    ]
    assert [float(each.of(values)) for each in found] == pytest.approx([3, 10])
    assert found[0].noise == pytest.approx(1 / 1_400, rel=0.2)
    uneven = [usual(history(values, quiet), np.array([START + 3_600.0 * at])) for at in (12, 5 * 24 + 12)]
    assert [float(each.of(values)) for each in uneven] == pytest.approx([12, 19], abs=0.7)


def test_an_outlier_day_of_the_baseline_is_shown_with_its_topic() -> None:
    odd = joined(traffic([*days(0, 9), *days(10, 5)], 10), traffic(days(9, 1), 10, shares=mixed(recipe=0.6), seed=4))
    first = outlier_days(fit(odd, SETTINGS))[0]
    assert first.day == datetime.fromtimestamp(START + 9 * DAY, UTC).date()
    assert first.mix > 10 * abs(first.usual)
    assert first.change == pytest.approx(0.45, abs=0.15)


def test_alike_days_show_hardly_any_outlier() -> None:
    assert len(outlier_days(baseline())) <= 1
    assert outlier_days(fit(traffic(days(0, 3), 10), SETTINGS)) == ()


def test_features_stand_for_a_gaussian_kernel() -> None:
    x = traffic(days(0, 1)).vectors.mean[:50]
    sigma = bandwidth(x)
    features = Features(0, sigma, x.shape[1], 8_192)(x)
    kernel = np.exp(-np.square(x[:, np.newaxis] - x[np.newaxis]).sum(axis=2) / (2 * sigma**2))
    assert features @ features.T == pytest.approx(kernel, abs=0.06)


def test_repeated_rows_have_a_bandwidth_and_a_radius() -> None:
    x = np.repeat(centres()[:1], 5, axis=0)
    assert (bandwidth(x), radius(x, np.zeros(5, np.intp))) == (0.5, 0.999)
    assert (bandwidth(x[:1]), radius(x[:1], np.zeros(1, np.intp))) == (0.5, 0.9)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3, 1.0])
def test_the_interval_of_a_squared_distance_holds_it(shift: float) -> None:
    """In 20 dimensions of which each has another spread; the usual is known from 2,000 texts."""
    random = np.random.RandomState(0)
    spread, delta = np.linspace(0.1, 1, 20), np.full(20, shift / 20**0.5)
    found = [
        squared_distance(
            random.standard_normal((200, 20)) * spread + delta,
            random.standard_normal(20) * spread / 2_000**0.5,
            1 / 2_000,
        )
        for _ in range(400)
    ]
    assert np.mean([each.value for each in found]) == pytest.approx(shift**2, abs=0.004)
    assert np.mean([each.lower <= shift**2 <= each.upper for each in found]) > 0.94
    assert all(each.lower <= each.value <= each.upper for each in found)


def test_normal_shares_of_the_kit_sum_to_one() -> None:
    assert NORMAL.sum() == pytest.approx(1)
    assert mixed(recipe=0.6).sum() == pytest.approx(1)


def test_nothing_can_change_what_the_detector_learnt() -> None:
    drift = baseline().drift
    assert drift is not None
    for array in (drift.residuals, drift.topics, drift.cells[0].features, drift.places[0].centre):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
