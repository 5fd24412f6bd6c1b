"""What happens: the numbers of every minute and segment, and everything that goes wrong around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.notifier import Failure
from config.settings import Settings

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)
DAY_MINUTES = 1440
NOON = 12 * 60  # around it things happen; the rest of a day is calm
CALM, BAD = 0.01, 0.3
LEVEL = 0.05  # above it a rule fires
APP, BATCH = "app", "batch"
RECEIVERS = ("slack", "pager", "hook")
TAIL = 40  # minutes after the story, in which nothing new happens
STEADY = 3  # segments at the start of the list that go on failing at the end

Stretch = tuple[int, int]  # minutes from the beginning, half open
Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Outage:
    """A receiver that takes nothing, and what it says instead."""

    stretch: Stretch
    failure: Failure


@dataclass(frozen=True)
class Quiet:
    """Somebody asks for silence for the services that match, for some minutes from one on."""

    at: int
    services: str
    minutes: int


@dataclass(frozen=True)
class Taken:
    """Somebody takes the alert of a service on, as soon as there is one."""

    at: int
    service: str


@dataclass(frozen=True)
class Mended:
    """Calls that come late: windows that were decided are measured again, at a minute, and have another value."""

    at: int
    stretch: Stretch
    segments: tuple[int, ...]
    value: float


@dataclass
class Story:
    """Everything, by minute from the beginning.

    Attributes:
        segments: names of services.
        values: error ratios of each source, shape (segments, minutes); NaN: no calls.
        outages: of each receiver.
        down: the service does not run.
        restarts: it is started again.
        kills: it dies at its next message, after the other end has taken it.
        late: the source app does not vouch for anything new; what is in it comes at the end.
        failing: the source app cannot be read.
        jumps: the service's clock is wrong by so many minutes.
        silences: which are asked for.
        taken: alerts that are acknowledged.
        mended: windows of the source app that have another value when they are measured again.
        repeat: minutes after which what still fires is told again.
        long: minutes of an incident that somebody takes on, so many that it would be told again.
        removed: when a rule, a segment and a source go, in the middle of an alert.
    """

    minutes: int
    segments: list[str]
    values: dict[str, Numbers]
    outages: dict[str, list[Outage]] = field(default_factory=dict)
    down: list[Stretch] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    kills: list[int] = field(default_factory=list)
    late: list[Stretch] = field(default_factory=list)
    failing: list[Stretch] = field(default_factory=list)
    jumps: list[tuple[Stretch, int]] = field(default_factory=list)
    silences: list[Quiet] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    mended: list[Mended] = field(default_factory=list)
    repeat: int = 20
    long: int = 70
    removed: dict[str, int] = field(default_factory=dict)

    def settings(self, minute: int) -> Settings:
        """The configuration as it is at a minute: people take things out."""
        gone = {what for what, at in self.removed.items() if minute >= at}
        file = {"kind": "files", "paths": ["calls.jsonl"], "groupings": [[], ["service"]], "silent_after": "0s"}
        limit = {"max_alerts": len(self.segments)}
        known: dict[str, Any] = {
            "measure": "error_ratio",
            "above": LEVEL,
            "for": "2m",
            "by": ["service"],
            "no_data_cap": "15m",
        }
        rules = {
            "errors": known | limit | {"sources": [APP], "clear": 0.02, "keep_firing_for": "3m", "severity": "error"},
            "capped": known | {"sources": [APP], "above": 0.2, "for": "10m", "severity": "info"},
            "batches": known | limit | {"sources": [BATCH]},
        }
        rules = {name: rule for name, rule in rules.items() if not (name == "capped" and "rule" in gone)}
        if "source" in gone:
            del rules["batches"]
        repeat = {"repeat_interval": f"{self.repeat}m"}  # a day, the default, is longer than any alert here
        receivers = {
            "slack": {"kind": "slack", "webhook_url": "https://hooks.slack.com/services/T/B/x"} | repeat,
            "pager": {"kind": "pagerduty", "routing_key": "k" * 32, "group_by": ["rule", "source"]},
            "hook": {"kind": "webhook", "url": "https://hook.example.org/", "group_by": ["source"]} | repeat,
        }
        sources = {APP: file} if "source" in gone else {APP: file, BATCH: file}
        text = {"enabled": False}
        return Settings.model_validate({"sources": sources, "rules": rules, "receivers": receivers, "text": text})


def inside(minute: int, stretches: Sequence[Stretch]) -> bool:
    """Whether a minute lies in one of some stretches."""
    return any(start <= minute < end for start, end in stretches)


def write(days: int, segments: int, seed: int, half: int = 180) -> Story:
    """A story: each kind of trouble comes at least once in three days.

    Args:
        days: how many.
        segments: how many.
        seed: of chance.
        half: minutes before and after noon in which things happen; all stretches are in proportion to it.
    """
    dice = np.random.default_rng(seed)
    minutes = days * DAY_MINUTES
    names = [f"s{number:03}" for number in range(segments)]
    story = Story(
        minutes,
        names,
        {name: np.full((segments, minutes + TAIL), CALM, np.float32) for name in (APP, BATCH)},
        repeat=max(6, half // 9),
        long=max(26, 7 * half // 18),
    )
    for day in range(days):
        _one_day(story, (day * DAY_MINUTES + NOON, half), dice)
    _at_once(story, days, half)
    _around(story, days, half, dice)
    for day in range(days):
        _people(story, day, half)
        _late_calls(story, day, half)
    _removals(story, days)
    story.values[APP][:STEADY, minutes - 20 :] = BAD
    return story


def _one_day(story: Story, busy: tuple[int, int], dice: np.random.Generator) -> None:
    """Incidents of some length, blips of a minute, flapping, and minutes without calls; a few in the other source."""
    noon, half = busy
    start, end = noon - half, noon + half
    app, segments = story.values[APP], len(story.segments)
    for _ in range(max(6, segments // 12)):
        segment, at = dice.integers(segments), int(dice.integers(start, end - half // 2))
        app[segment, at : at + int(dice.integers(4, half // 2))] = dice.uniform(LEVEL * 1.2, 0.6)
    for _ in range(segments):
        app[dice.integers(segments), dice.integers(start, end)] = BAD
    for segment in dice.integers(segments, size=max(2, segments // 60)):
        at, length = int(dice.integers(start, end - half // 3)), half // 3
        app[segment, at : at + length] = np.where(dice.random(length) < 0.5, BAD, CALM)
    for _ in range(segments // 4):
        segment, at = dice.integers(segments), int(dice.integers(start, end - half // 6))
        app[segment, at : at + int(dice.integers(1, half // 6))] = np.nan
    at = int(dice.integers(start, end - half // 4))
    story.values[BATCH][dice.integers(segments), at : at + half // 4] = BAD


def _at_once(story: Story, days: int, half: int) -> None:
    """All segments fail in the same minute, on one day of three."""
    for day in range(1, days, 3):
        at = day * DAY_MINUTES + NOON
        story.values[APP][:, at : at + half // 4] = BAD


def _around(story: Story, days: int, half: int, dice: np.random.Generator) -> None:
    failures = [Failure.UNREACHABLE, Failure.SERVER_ERROR, Failure.TIMEOUT, Failure.RATE_LIMITED]
    for day in range(days):
        noon, part = day * DAY_MINUTES + NOON, half // 6
        receiver = RECEIVERS[day % len(RECEIVERS)]
        at = noon - int(dice.integers(part, half))
        outage = Outage((at, at + int(dice.integers(4 * part, 10 * part))), failures[day % len(failures)])
        story.outages.setdefault(receiver, []).append(outage)
        story.restarts += [int(each) for each in dice.integers(noon - half, noon + half, size=2)]
        story.kills += [int(each) for each in dice.integers(noon - half, noon + half, size=2)]
        if day % 3 == 0:
            story.down.append((noon - 5 * part, noon + part))
        if day % 3 == 1:
            story.late.append((noon + 3 * part, noon + 4 * part))
            story.jumps.append(((noon - 4 * part, noon - 2 * part), 25))
        if day % 3 == 2:
            story.failing.append((noon - 3 * part, noon - part))
            story.jumps.append(((noon + 2 * part, noon + 4 * part), -20))


def _people(story: Story, day: int, half: int) -> None:
    """On each day somebody takes an alert on; on two of three somebody asks for silence."""
    noon, part, app = day * DAY_MINUTES + NOON, half // 6, story.values[APP]
    taken, silent = STEADY, STEADY + 1  # segments
    app[taken, noon + part : noon + part + story.long] = BAD
    story.taken.append(Taken(noon + part + story.long // 4, story.segments[taken]))
    if day % 3 == 1:  # for ten segments, until the middle of the storm; one of them fails only before it
        tenth = story.segments[silent][:-1]
        app[silent, noon - part + 1 : noon - part + 9] = BAD
        story.silences.append(Quiet(noon - part, f"{tenth}.", part + half // 8))
    if day % 3 == 2:  # until the middle of an outage, and what is silenced goes on after it
        start, end = story.outages[RECEIVERS[day % len(RECEIVERS)]][-1].stretch
        middle, length = (start + end) // 2, 2 * part + 10
        app[silent, middle - length : end + 20] = BAD
        story.silences.append(Quiet(middle - length, story.segments[silent], length))


def _late_calls(story: Story, day: int, half: int) -> None:
    """In the calm after the trouble of a day some windows that were calm turn out bad, and some bad ones calm."""
    noon, app = day * DAY_MINUTES + NOON, story.values[APP]
    stretch = (noon + 9 * half // 12, noon + 10 * half // 12)
    at = stretch[1] + 5  # it was decided some minutes ago
    firing = STEADY + 2
    app[firing, noon + 8 * half // 12 : noon + half + 10] = BAD
    quiet = [
        number
        for number in range(firing + 1, len(story.segments))
        if np.all(app[number, stretch[0] - 10 : at + 10] == np.float32(CALM))
    ]
    story.mended.append(Mended(at, stretch, (firing,), CALM))
    story.mended.append(Mended(at, stretch, tuple(quiet[:5]), BAD))


def _removals(story: Story, days: int) -> None:
    """In the last morning a rule, a source and a segment go while they fire, five minutes apart."""
    morning = (days - 1) * DAY_MINUTES + 7 * 60
    story.removed = {"rule": morning + 20, "source": morning + 25, "segment": morning + 30}
    app, batch = story.values[APP], story.values[BATCH]
    app[-1, morning : story.removed["segment"]] = BAD
    app[-1, story.removed["segment"] :] = CALM  # of no meaning: from then on it is not there
    batch[-2, morning : story.removed["source"]] = BAD


def restless(story: Story) -> NDArray[np.bool_]:
    """The minutes in which something is not calm."""
    values: Mapping[str, Numbers] = story.values
    return np.logical_or.reduce([np.any(~(each <= LEVEL), axis=0) for each in values.values()])
