"""Texts beside a reference, and places that later windows are looked at: against plain computations."""

import drift_kit as kit
import numpy as np
import pytest
from drift_kit import CALM, DENSE, calm, reference
from text_kit import START

from detectors.drift.expected import cell_of
from detectors.drift.observed import ball_shares, observe
from detectors.drift.places import FOLLOWED, Place, count_at, excess, follow

DAY = 86_400.0


def test_near_counts_the_other_texts_within_the_radius() -> None:
    texts = kit.texts(START, 1)
    seen = observe(START, texts, 0.5)
    slow = [
        sum(i != j and float(one @ two) >= 0.5 for j, two in enumerate(texts.vectors))
        for i, one in enumerate(texts.vectors)
    ]
    assert seen.near.tolist() == slow
    assert seen.n == kit.N
    assert seen.topics.sum() == kit.N
    assert seen.features == pytest.approx(np.mean(texts.features, axis=0), abs=1e-6)


def test_ball_shares_are_those_of_each_topics_reference() -> None:
    beside, rows = reference(), kit.texts(START, 1).vectors[:9]
    found = ball_shares(rows, beside)
    for topic in range(beside.count):
        mine = beside.rows[beside.topics == topic].astype(np.float32)
        assert found[:, topic] == pytest.approx((rows @ mine.T >= beside.radius).mean(axis=1))


@pytest.mark.parametrize(("hours", "cell"), [(0, 0), (23.9, 23), (4 * 24 + 5, 5), (5 * 24, 24), (6 * 24 + 23, 47)])
def test_a_window_belongs_to_its_hour_of_a_weekday_or_of_a_weekend(hours: float, cell: int) -> None:
    """Counted from a Monday."""
    assert cell_of(START + hours * 3_600) == cell


def test_a_place_counts_what_comes_after_it() -> None:
    usual, radius = calm().cells[0], reference().radius
    first = kit.window(START, 2, DENSE)
    best = int(excess(first, usual).argmax())
    place = Place(first.vectors[best], first.balls[best])
    texts = count = expected = 0.0
    for day in (1, 2, 3):
        seen = kit.window(START + day * DAY, 2, DENSE)
        [(place, z)] = count_at([place], seen, usual, radius)
        texts += seen.n
        count += sum(float(each @ place.centre) >= radius for each in seen.vectors)
        expected += seen.n * float(first.balls[best] @ usual.shares)
        assert z > 2
    assert (place.texts, place.count) == (texts, count)
    assert place.usual == pytest.approx(expected)
    assert (place.emptied().texts, place.emptied().count, place.emptied().heat) == (0, 0, 0)


def test_the_place_of_a_dense_topic_becomes_the_hottest_and_stays() -> None:
    usual, radius, places = calm().cells[0], reference().radius, ()
    scores = []
    for day in range(20):
        places, score = follow(places, kit.window(START + day * DAY, 2, DENSE if day >= 10 else CALM), usual, radius)
        scores.append(score)
        assert len(places) <= FOLLOWED
    assert scores[0] == 0
    assert np.mean(scores[13:]) > np.mean(scores[:10]) + 2
    hottest = max(places, key=lambda each: each.heat)
    assert float(hottest.centre @ kit.saying()[0]) > 0.9


def test_the_place_that_a_window_chooses_says_nothing_of_that_window() -> None:
    usual, radius = calm().cells[0], reference().radius
    places, score = follow((), kit.window(START, 2, DENSE), usual, radius)
    assert score == 0
    assert [(each.texts, each.heat) for each in places] == [(0, 0)]
