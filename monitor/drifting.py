"""Drift as an alert: what the drift detectors found becomes a built-in rule that fires while their alarm goes on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import nextafter
from typing import Any

from alerts.rules import AlertId
from config.alerts import OwnRule, Rule
from config.drift import Drift
from detectors.measurement import Labels, Value
from monitor.drift_details import details, hourly
from monitor.store.baselines import StoredBaseline
from monitor.store.drift import DriftFacts
from monitor.store.tables import ProgressRow

DRIFT = "drift"
MEASURE = "drift_evidence"
SHOWN = 3  # calls of an alarm
NEW_NORMAL = timedelta(days=7)

_LEAST = nextafter(1.0, 2.0)  # an alarm of the fast path or of whole days has its own evidence
CHANNELS_SAID: Mapping[str, str] = {
    "mix": "the mix of what they are about",
    "novelty": "more texts unlike anything in the baseline",
    "burst": "one topic has far more than usual",
    "scan": "many texts alike where few are usual",
    "descriptors": "their form",
    "days": "whole days differ",
    "stranger": "they lie farther from what was answered to like prompts",
    "style": "they differ from what was answered to like prompts all in the same way",
    "closer": "they lie nearer to what was answered to like prompts",
}
_STREAMS: Mapping[str, str] = {
    "prompt": "Prompts",
    "response": "Responses",
    "response_given_prompt": "Responses to the same prompts",
}
POINTS = ("novelty", "burst", "scan")  # channels whose effect is a share of the texts
DEVIATIONS = ("stranger", "closer")  # … is a shift of the mean, in standard deviations of a single response
DESCRIPTORS = "descriptors"  # … is how often the means of windows differ by what they usually differ by
_MOST, _MORE = 0.5, 0.2  # a segment with this part of a change, and so much more than of the texts, is named


@dataclass(frozen=True, slots=True)
class Alarm:
    """A drift alarm that goes on.

    Attributes:
        id: of the alert: source, segment, stream, what it is against, and the channel that leads.
        facts: see `monitor.reading.drift`.
        whole: whether its baseline has seen enough to call people.
        until: end of the last window that was read.
    """

    id: AlertId
    facts: Mapping[str, Any]
    whole: bool
    until: datetime

    @property
    def value(self) -> Value:
        """The evidence when it was raised: 1 is the threshold."""
        return Value(max(float(self.facts["evidence"]), _LEAST))

    @property
    def exemplars(self) -> tuple[str, ...]:
        """Ids of the calls that show it best: those that the channels saw, then those of the topics behind it."""
        found = self.facts["findings"]
        shown = [self.facts, *found.get("new", ()), *found.get("grown", ()), found.get("responses", {})]
        return tuple(dict.fromkeys(call for each in shown for call in each.get("exemplars", ())))[:SHOWN]

    def summary(self) -> str:
        """What has changed, by how much, and what a person can do about an old one."""
        labels = dict(self.id.labels)
        said = f"{_STREAMS[labels['stream']]} have drifted: {', '.join(_channels(self.facts))}"
        said += "".join(_about(self.facts["findings"])) + "".join(_from(self.facts.get("segments", ())))
        if self.until.timestamp() - self.facts["at"] >= NEW_NORMAL.total_seconds():
            said += ". A week old: if it is the new normal, accept a baseline that has it (`watchkeeper baseline fit`)"
        return said + "."


def alarms(
    facts: Iterable[DriftFacts], used: Iterable[StoredBaseline], progress: Mapping[str, ProgressRow]
) -> list[Alarm]:
    """The alarms that go on against the baselines in use.

    Those of a detector that has not caught up with its source are left out: they may be over.
    """
    known = {each.key: each for each in used}
    found: list[Alarm] = []
    for each in facts:
        baseline = known.get(each.key)
        if baseline is None or not _has_caught_up(each, baseline, progress.get(baseline.source)):
            continue
        found.extend(going_on(each, baseline))
    return found


def going_on(facts: DriftFacts, baseline: StoredBaseline) -> Iterator[Alarm]:
    """The alarms of one detector that go on."""
    yield from (_alarm(facts, baseline, each, facts.until) for each in facts.facts["open"])


def ended(facts: DriftFacts, baseline: StoredBaseline) -> Iterator[Alarm]:
    """Those that were, oldest first, as they were when they ended: how large, but not what explained them."""
    for each in facts.facts.get("ended", ()):
        yield _alarm(facts, baseline, each, datetime.fromtimestamp(each["ended"], UTC))


def _alarm(facts: DriftFacts, baseline: StoredBaseline, alarm: Mapping[str, Any], until: datetime) -> Alarm:
    labels: Labels = (("baseline", baseline.role), ("channel", alarm["lead"]), ("stream", baseline.stream))
    alert = AlertId(DRIFT, baseline.source, baseline.segment, labels)
    return Alarm(alert, alarm, bool(facts.facts["whole"]), until)


def _has_caught_up(facts: DriftFacts, baseline: StoredBaseline, progress: ProgressRow | None) -> bool:
    """Whether no window is due but the one that may just have closed; windows with too few texts are due, too."""
    if progress is None or progress.complete_until is None:
        return False
    until = max(facts.until, baseline.read_until)
    return progress.complete_until - until < 2 * timedelta(seconds=baseline.length_s)


def rule_of(settings: Drift, alarm: Alarm | None) -> Rule:
    """The rule behind an alarm, or behind one that has ended."""
    is_warning = alarm is None or not alarm.whole or alarm.facts["kind"] == "days"
    return OwnRule(
        measure=MEASURE,
        above=1,
        severity="warning" if is_warning and settings.severity != "info" else settings.severity,
        receiver=settings.receiver,
        runbook=settings.runbook,
        summary="The texts have drifted." if alarm is None else alarm.summary(),
        description=None if alarm is None else details(alarm.facts) or None,
        no_data="keep",
        no_data_cap=timedelta(days=365),
    )


def _channels(facts: Mapping[str, Any]) -> Iterator[str]:
    if facts["kind"] == "days":
        yield ": ".join([CHANNELS_SAID["days"], *(in_words(*each) for each in facts["effects"].items())])
        return
    for name in facts["channels"]:
        yield in_words(name, facts["effects"][name])


def in_words(channel: str, effect: Mapping[str, Any]) -> str:
    """What a channel saw and how large it is, with the limit that it is above however often one looks."""
    words = CHANNELS_SAID[channel] + (f" ({effect['about']})" if effect["about"] else "")
    size = sized_in_words(channel, effect["value"])
    if size:
        words += f", {size}"
        sure = effect["lower"] > effect["minimum"]
        words += f", at least {sized_in_words(channel, effect['lower'], bare=True)}" if sure else ", its size unsure"
    return words


def sized_in_words(channel: str, value: float, *, bare: bool = False) -> str:
    """The size of a change as people say it; empty where the unit of a channel tells them nothing."""
    if channel in POINTS:
        return f"{100 * value:.1f}" if bare else f"{100 * value:+.1f} points"
    if channel in DEVIATIONS:
        return f"{abs(value):.2f}" if bare else f"by {abs(value):.2f} standard deviations"
    if channel == DESCRIPTORS:
        return f"{abs(value):.1f}" if bare else f"by {abs(value):.1f} times what windows differ by"
    return ""


def _about(findings: Mapping[str, Any]) -> Iterator[str]:
    for topic in findings.get("new", ())[:1]:
        yield f"; new topic: {topic['name']} ({topic['share']:.0%}{hourly(topic)})"
    for change in findings.get("grown", ())[:1]:
        yield f"; grown: {change['topic']['name']} ({change['before']:.0%} → {change['now']:.0%}{hourly(change)})"
    if (responses := findings.get("responses")) is not None:
        yield f"; {responses['share']:.0%} of them stand out, 1% usually"


def _from(segments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The segment that most of a change comes from, where that is more than its size explains."""
    clear = [each for each in segments if each["part"] >= _MOST and each["part"] - each["share"] >= _MORE]
    for each in sorted(clear, key=lambda each: each["share"] - each["part"])[:1]:
        column = each["column"].replace("_", " ")
        yield f"; {min(each['part'], 1):.0%} of it from {column} {each['value']} ({each['share']:.0%} of the texts)"
