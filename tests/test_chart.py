"""The chart of an alert: what is drawn, and when nothing is."""

import io
from datetime import timedelta
from typing import Any

import pytest
from hostile_messages import HOSTILE, alerts
from hypothesis import given, settings
from PIL import Image
from samples_notifiers import NOON, a_message, an_alert

from alerts.chart import LARGEST, SIZE, caption, chart, draw

FIRING, THRESHOLD = (253, 226, 224), (200, 45, 40)


def course(*values: float | None) -> tuple[tuple[float, float | None], ...]:
    """A value a minute up to noon."""
    return tuple((NOON.timestamp() - 60 * (len(values) - 1 - number), value) for number, value in enumerate(values))


def colours(picture: bytes | None) -> dict[tuple[int, ...], int]:
    """How many dots each colour has."""
    assert picture is not None
    image = Image.open(io.BytesIO(picture))
    assert (image.format, image.size) == ("PNG", SIZE)
    found: list[tuple[int, Any]] = image.convert("RGB").getcolors(SIZE[0] * SIZE[1]) or []
    return {colour: count for count, colour in found}


def near(dots: dict[tuple[int, ...], int], wanted: tuple[int, int, int]) -> int:
    """How many dots have a colour, or one as good as it: a picture has few colours."""
    return sum(count for colour, count in dots.items() if max(map(abs, map(int.__sub__, colour, wanted))) <= 12)


def test_the_same_alert_is_the_same_picture_and_a_small_one() -> None:
    alert = an_alert(series=course(*(0.01 * (number % 9) for number in range(120))), threshold=0.05)
    assert draw(alert) == draw(alert)
    assert len(draw(alert) or b"") < 10_000


def test_the_threshold_and_the_stretch_in_which_it_fires_are_seen() -> None:
    values = course(*([0.01] * 30 + [0.2] * 30))
    with_both = colours(draw(an_alert(series=values, threshold=0.05, since=NOON - timedelta(minutes=30))))
    without = colours(draw(an_alert(series=values, since=NOON + timedelta(hours=1))))
    assert near(with_both, THRESHOLD) > 200
    assert near(with_both, FIRING) > 10_000
    assert near(without, THRESHOLD) == near(without, FIRING) == 0


def test_a_stretch_that_is_over_is_narrower_than_one_that_goes_on() -> None:
    values, since = course(*([0.1] * 60)), NOON - timedelta(minutes=40)
    goes_on = near(colours(draw(an_alert(series=values, since=since))), FIRING)
    over = near(colours(draw(an_alert(series=values, since=since, ended=NOON - timedelta(minutes=30)))), FIRING)
    assert 0 < over < goes_on / 2


@pytest.mark.parametrize(
    "series",
    [
        (),
        course(1.0),
        course(None, None, 1.0),
        course(float("nan"), float("inf"), 1.0),
        course(LARGEST * 2, -LARGEST * 2, 1.0),
        ((5.0, 1.0), (5.0, 2.0)),
        ((6.0, 1.0), (5.0, 2.0)),
    ],
)
def test_too_little_is_not_drawn(series: Any) -> None:
    assert draw(an_alert(series=series)) is None


@pytest.mark.parametrize(
    "values", [(0.0, 0.0), (-1e299, 1e299), (1e-300, 2e-300), (5.0, 5.0, None, 5.0), (7.0, None, 7.0)]
)
def test_flat_tiny_and_huge_courses_are_drawn(values: tuple[float | None, ...]) -> None:
    assert colours(draw(an_alert(series=course(*values), threshold=values[0])))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_drawn_and_described(text: str) -> None:
    alert = an_alert(labels={"rule": text, text: text}, condition=text, series=course(1.0, 2.0))
    assert draw(alert) is not None
    assert 0 < len(caption(alert)) <= 250
    caption(alert).encode()


@settings(max_examples=25, deadline=None)
@given(alerts())
def test_no_alert_makes_it_fail(alert: Any) -> None:
    picture = draw(alert)
    assert picture is None or picture.startswith(b"\x89PNG")


def test_of_a_group_the_first_alert_that_can_be_drawn_is() -> None:
    drawable = an_alert(series=course(1.0, 2.0), labels={"rule": "r", "source": "second"})
    made = chart(a_message(alerts=(an_alert(), drawable, an_alert(series=course(3.0, 4.0)))))
    assert made == (draw(drawable), caption(drawable))
    assert "second" in caption(drawable)
    assert chart(a_message()) is None


def test_a_chart_that_cannot_be_drawn_is_logged_and_is_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("alerts.chart.draw", lambda _alert: 1 / 0)
    assert chart(a_message()) is None
    assert "cannot be drawn" in caplog.text
