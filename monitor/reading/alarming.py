"""What is remembered and said of the drift alarms of a detector, whichever it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from detectors.measurement import Key, Value
from monitor.drifting import MEASURE
from monitor.store.baselines import StoredBaseline
from monitor.store.tables import DriftRow
from monitor.store.texts import TextMeasured

if TYPE_CHECKING:
    from detectors.drift.effect import Effect

ALL = "all"
EFFECTS = "effects"  # of the findings of a window: the size of the change in each channel since its evidence rose
# A baseline of less has not seen how traffic wanders from week to week: what it finds is a warning, nobody is called.
WHOLE_AFTER = timedelta(days=21)
WHOLE_WINDOWS = 168
ENDED_KEPT = 20

Facts = dict[str, Any]


def is_whole(stored: StoredBaseline, windows: int) -> bool:
    """Whether a baseline has seen enough for its alarms to call people."""
    return stored.fitted_until - stored.fitted_from >= WHOLE_AFTER and windows >= WHOLE_WINDOWS


def facts_of(
    about: tuple[StoredBaseline, int, TextMeasured],
    before: Mapping[str, Any] | None,
    goes_on: Callable[[Facts], bool],
    begun: Sequence[Facts],
) -> Facts:
    """What a detector says after a window.

    `whole`: whether its windows suffice to call people. `open`: the alarms that go on, of which the rule `drift` reads.
    `ended`: the newest of those that were, without what explained them.

    Args:
        about: the baseline, how many windows it has, and the window that was read.
        before: what it said after the window before; None after none.
        goes_on: whether an alarm that was raised earlier goes on.
        begun: the alarms that begin with this window.
    """
    stored, windows, measured = about
    known = [] if before is None else before["open"]
    going = {number: goes_on(each) for number, each in enumerate(known)}
    at = measured.window.end.timestamp()
    over = [{**each, "findings": {}, "ended": at} for number, each in enumerate(known) if not going[number]]
    ended = [*([] if before is None else before.get("ended", [])), *over]
    still = [each for number, each in enumerate(known) if going[number]]
    return {"whole": is_whole(stored, windows), "open": [*still, *begun], "ended": ended[-ENDED_KEPT:]}


def leading(alarms: Sequence[str], effects: "Mapping[str, Effect]", shares: Mapping[str, float]) -> str:
    """The channel that an alarm is named after: of those whose own effect is large enough beyond doubt the one with the
    most evidence, so that what is said of its size is about what is said to be sure; else the one with the most."""
    clear = [name for name in alarms if effects[name].clears]
    return max(clear or alarms, key=lambda name: shares[name])


def sized(effect: "Effect", about: str | None = None) -> Facts:
    """The size of a change, and of what."""
    return {"value": effect.value, "lower": effect.lower, "minimum": effect.minimum, "about": about}


def with_evidence(
    measured: TextMeasured, evidence: Mapping[str, Value], effects: Mapping[str, Facts] | None = None
) -> TextMeasured:
    """With what the detector says, by channel, and how large the change is that each of them sees."""
    keys = {Key.of(MEASURE, channel=channel, stream=measured.stream): value for channel, value in evidence.items()}
    findings = dict(measured.findings) if effects is None else {**measured.findings, EFFECTS: dict(effects)}
    return replace(measured, values={**measured.values, **keys}, findings=findings)


def row_of(stored: StoredBaseline, measured: TextMeasured, facts: Facts, body: bytes) -> DriftRow:
    """What is remembered and said after a window."""
    source, segment, stream, version = stored.key
    return DriftRow(
        source=source,
        segment=segment,
        stream=stream,
        baseline=version,
        until=measured.window.end,
        facts=facts,
        body=body,
    )
