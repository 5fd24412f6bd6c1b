"""The numbers of a report in words: one plain sentence each that says what it means."""

from collections.abc import Iterator, Mapping

import numpy as np

from detectors.baseline import Baseline
from detectors.effects import Placed
from detectors.measurement import Key, Reason, Value
from monitor.clean import clean_text
from monitor.formats import percent
from monitor.report.values import Effect

USUAL = 0.05  # of the texts are out of distribution when nothing has changed
NO_TEXT = "There is no text."
TOO_FEW = "Too few texts to say: below fifty only an earthquake is seen."


def effects(baseline: Baseline, placed: Placed, values: Mapping[Key, Value]) -> Iterator[Effect]:
    """The four numbers of a window, the plainest first."""
    strange = values[Key("out_of_distribution_ratio")]
    drift = {effect: values[Key.of("embedding_drift", effect=effect)] for effect in ("novelty", "mix", "topic")}
    name = _largest(baseline, placed)
    named = {
        "out_of_distribution_ratio": ("Out of distribution", "ratio", strange, USUAL, _strange(strange)),
        "novelty": ("Novelty", "points", drift["novelty"], 0.0, _novelty(drift["novelty"])),
        "mix": ("Mix", "distance", drift["mix"], 0.0, _mix(drift["mix"])),
        "topic": ("Largest topic change", "points", drift["topic"], 0.0, _topic(drift["topic"], name)),
    }
    for key, (title, unit, value, usual, sentence) in named.items():
        missing = TOO_FEW if value.reason == Reason.TOO_FEW else NO_TEXT
        yield Effect(
            name=key,
            title=title,
            unit=unit,
            value=value.value,
            lower=value.lower,
            upper=value.upper,
            n=value.n or 0,
            changed=_leaves_out(value, usual),
            sentence=missing if value.value is None else sentence,
        )


def _leaves_out(value: Value, usual: float) -> bool:
    return value.lower is not None and value.upper is not None and not value.lower <= usual <= value.upper


def _strange(value: Value) -> str:
    if value.value is None:
        return ""
    head = f"{percent(value.value)} of the texts are stranger than 95 % of the baseline's own later traffic"
    return f"{head}; 5 % is what an unchanged stream gives."


def _novelty(value: Value) -> str:
    if value.value is None:
        return ""
    if not _leaves_out(value, 0.0):
        return "No more texts than usual are unlike the baseline: the interval holds zero."
    more = "more" if value.value > 0 else "fewer"
    return f"{percent(abs(value.value))} of the texts, {more} than usual, are unlike anything in the baseline."


def _mix(value: Value) -> str:
    if value.value is None:
        return ""
    if not _leaves_out(value, 0.0):
        return "What the texts are about is mixed as usual at these hours: the interval holds zero."
    if value.value < 0:
        return "The mix is nearer to the usual than chance explains: look at repeated texts."
    return (
        "The mix of what the texts are about differs from the usual at these hours by more than the chance of sampling "
        "(0 is no change). How far usual days wander is not in the interval."
    )


def _topic(value: Value, name: str) -> str:
    if value.value is None:
        return ""
    if not _leaves_out(value, 0.0):
        return f"No known topic changed its share surely; the largest difference is that of “{name}”."
    verb = "gained" if value.value > 0 else "lost"
    return f"“{name}” {verb} {percent(abs(value.value))} of all texts against the usual at these hours."


def _largest(baseline: Baseline, placed: Placed) -> str:
    now = np.bincount(placed.labels, minlength=len(baseline.topics)) / len(placed.labels)
    before = placed.usual.shares(baseline.history.topics, baseline.history.n)
    return clean_text(baseline.topics[int(np.abs(now - before).argmax())].name, 80)
