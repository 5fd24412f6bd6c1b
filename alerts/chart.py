"""The measure behind an alert as a small picture: its course, the threshold, and the stretch in which it fires.

The only door to Pillow. A picture is an extra: where there is too little to draw there is none, and no error.
"""

import io
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from alerts import wording
from alerts.notifier import AlertView, Message

SIZE: Final = (640, 200)
LEAST_POINTS: Final = 2
LARGEST: Final = 1e300  # beyond it the height of the picture is no number any more

_PLOT: Final = (12, 30, 540, 172)  # left, top, right, bottom
_INK, _FAINT, _LINE = (60, 60, 67), (140, 140, 148), (38, 99, 178)
_FIRING, _THRESHOLD = (253, 226, 224), (200, 45, 40)
_DASH: Final = 8

Point = tuple[float, float]

log = logging.getLogger("watchkeeper")


def chart(message: Message) -> tuple[bytes, str] | None:
    """A PNG of the first alert of a message that can be drawn, and what it shows, in words.

    None also if drawing fails: nobody must miss an alert for that.
    """
    for alert in message.alerts:
        try:
            picture = draw(alert)
        except Exception:
            log.exception("the chart of an alert cannot be drawn; its message goes without")
            return None
        if picture is not None:
            return picture, caption(alert)
    return None


def caption(alert: AlertView) -> str:
    """What the picture shows, for who cannot see it."""
    said = wording.line(f"{wording.where(alert.labels)}, {alert.condition}".strip(", "), 200)
    return f"Course of the measure: {said}" if said else "Course of the measure"


def draw(alert: AlertView) -> bytes | None:
    """The PNG, or None with fewer than two known values. The same alert gives the same bytes."""
    known = [(at, value) for at, value in alert.series if value is not None and _is_drawable(at, value)]
    if len(known) < LEAST_POINTS or known[0][0] >= known[-1][0]:
        return None
    threshold = alert.threshold if alert.threshold is not None and _is_drawable(0, alert.threshold) else None
    scale = _Scale.of(known, threshold)
    image = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(image)
    _firing(pen, scale, alert)
    if threshold is not None:
        _dashes(pen, scale.y(threshold))
    for run in _runs(alert.series):
        _stretch(pen, [(scale.x(at), scale.y(value)) for at, value in run])
    _words(pen, scale, alert, threshold)
    written = io.BytesIO()
    image.quantize(32).save(written, "PNG", optimize=True)
    return written.getvalue()


@dataclass(frozen=True, slots=True)
class _Scale:
    """From seconds and values to dots."""

    first: float
    last: float
    low: float
    high: float

    @classmethod
    def of(cls, known: Sequence[Point], threshold: float | None) -> "_Scale":
        values = [value for _, value in known] + ([] if threshold is None else [threshold])
        low, high = min(values), max(values)
        # A ratio that hardly moves must not look like an earthquake, and a flat line must lie inside.
        room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
        return cls(known[0][0], known[-1][0], low - room, high + room)

    def x(self, at: float) -> float:
        left, _, right, _ = _PLOT
        share = (at - self.first) / (self.last - self.first)
        return left + (right - left) * min(max(share, 0.0), 1.0)

    def y(self, value: float) -> float:
        _, top, _, bottom = _PLOT
        return bottom - (bottom - top) * ((value - self.low) / (self.high - self.low))


def _is_drawable(at: float, value: float) -> bool:
    return math.isfinite(at) and math.isfinite(value) and abs(value) < LARGEST


def _runs(series: Sequence[tuple[float, float | None]]) -> Iterator[list[Point]]:
    """The stretches in which the value is known: nothing is drawn over what is not."""
    run: list[Point] = []
    for at, value in series:
        if value is not None and _is_drawable(at, value):
            run.append((at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _firing(pen: ImageDraw.ImageDraw, scale: _Scale, alert: AlertView) -> None:
    ended = scale.last if alert.ended is None else alert.ended.timestamp()
    left, right = scale.x(alert.since.timestamp()), scale.x(ended)
    if alert.since.timestamp() <= scale.last and right >= left:
        pen.rectangle((left, _PLOT[1], max(right, left + 2), _PLOT[3]), fill=_FIRING)


def _dashes(pen: ImageDraw.ImageDraw, y: float) -> None:
    for x in range(_PLOT[0], _PLOT[2], 2 * _DASH):
        pen.line((x, y, x + _DASH, y), fill=_THRESHOLD, width=2)


def _stretch(pen: ImageDraw.ImageDraw, dots: list[Point]) -> None:
    if len(dots) == 1:
        (x, y) = dots[0]
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=_LINE)
        return
    pen.line(dots, fill=_LINE, width=3, joint="curve")


def _words(pen: ImageDraw.ImageDraw, scale: _Scale, alert: AlertView, threshold: float | None) -> None:
    font, right = ImageFont.load_default(14), _PLOT[2] + 8
    measure = alert.labels.get("rule", "")
    # The font knows few letters; the picture needs no others, the message has them all.
    title = wording.line(measure, 60).encode("latin-1", "replace").decode("latin-1")
    pen.text((_PLOT[0], 6), title, fill=_INK, font=font)
    last = next(value for at, value in reversed(alert.series) if value is not None and _is_drawable(at, value))
    _label(pen, (right, scale.y(last)), wording.number(last), _LINE)
    if threshold is not None:
        shifted = scale.y(threshold)
        if abs(shifted - scale.y(last)) < 16:  # two numbers on one another are none
            shifted = scale.y(last) + (16 if shifted >= scale.y(last) else -16)
        _label(pen, (right, shifted), wording.number(threshold), _THRESHOLD)
    pen.text((_PLOT[0], _PLOT[3] + 6), _moment(scale.first), fill=_FAINT, font=font)
    pen.text((_PLOT[2], _PLOT[3] + 6), _moment(scale.last), fill=_FAINT, font=font, anchor="ra")


def _label(pen: ImageDraw.ImageDraw, place: Point, text: str, colour: tuple[int, int, int]) -> None:
    pen.text(place, text, fill=colour, font=ImageFont.load_default(14), anchor="lm")


def _moment(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return ""
