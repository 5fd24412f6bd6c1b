"""What customers say about the answers: thumbs and stars; the worse the answer, the worse the rating."""

from typing import Any

from monitor.demo.dice import Dice
from monitor.demo.models import Quality
from monitor.demo.story import HOUR, MINUTE, from_epoch_ms

# Nobody rates a chat later than this; whoever looks for the feedback of a stretch has to look this far back.
LATEST_MS = 12 * HOUR

# By quality: how many rate the answer at all, the share of thumbs up, the mean of the stars.
_RATINGS: dict[Quality, tuple[float, float, float]] = {
    "good": (0.036, 0.88, 4.4),
    "short": (0.045, 0.55, 3.4),
    "vague": (0.055, 0.22, 2.3),
    "wrong": (0.065, 0.05, 1.5),
    "refusal": (0.065, 0.08, 1.7),
}
_COMMENTS = {
    True: ("super helpful", "quick and clear", "thank you!", "that solved it", "exactly what I needed", "nice bot"),
    False: (
        *("did not answer my question", "useless", "too vague", "this is about something else", "still don't know"),
        *("I want to talk to a person", "wrong information"),
    ),
}


def rate(dice: Dice, call_id: str, quality: Quality, ended_ms: int) -> list[tuple[int, dict[str, Any]]]:
    """The feedback on one answer as (time in ms, record), mostly none."""
    share, up, stars = _RATINGS[quality]
    if not dice.chance(share):
        return []
    at_ms = ended_ms + min(int(dice.spread(12 * MINUTE, 1.3)) + 5_000, LATEST_MS)
    given = []
    if dice.chance(0.8):
        thumb = dice.chance(up)
        given.append({"key": "thumbs", "score": int(thumb), "label": "up" if thumb else "down"})
    if not given or dice.chance(0.2):
        given.append({"key": "stars", "score": min(max(round(dice.gauss(stars, 0.9)), 1), 5)})
    return [(at_ms, _record(dice, call_id, at_ms, rating)) for rating in given]


def _record(dice: Dice, call_id: str, at_ms: int, rating: dict[str, Any]) -> dict[str, Any]:
    at = from_epoch_ms(at_ms).isoformat(timespec="milliseconds")
    record = {"call_id": call_id, "at": at, **rating, "source": "app", "kind": "user"}
    if dice.chance(0.2):
        record["comment"] = dice.pick(_COMMENTS[rating["score"] > (3 if rating["key"] == "stars" else 0)])
    return record
