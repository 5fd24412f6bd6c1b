"""Events as alerts: which ones a rule sees, and how long they last."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from conditions_kit import HOUR, MINUTE, NOW, a_rule, fires, reading

from alerts.conditions import condition
from config.alerts import Rule
from detectors.measurement import OTHER, Segment

RULE = a_rule(measure="events", event={})


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    at: datetime
    name: str = "model changed"
    detail: str = "chat: gpt-x → gpt-y (response_model)"
    source: str = "app"
    service: str = ""


def seen(*events: Event, rule: Rule = RULE, service: str | None = None) -> bool:
    segment = Segment() if service is None else Segment.of(service=service)
    return fires(rule, lambda _: None, happened=events, segment=segment)


@pytest.mark.parametrize(
    ("ago", "is_seen"), [(MINUTE, True), (HOUR, True), (timedelta(0), False), (HOUR + MINUTE, False)]
)
def test_an_event_lasts_an_hour_from_the_slot_that_holds_it(ago: timedelta, is_seen: bool) -> None:
    assert seen(Event(NOW - ago)) is is_seen


def test_only_the_event_that_is_named() -> None:
    assert not seen(Event(NOW - MINUTE, name="deploy"))
    assert seen(Event(NOW - MINUTE, name="deploy"), rule=a_rule(measure="events", event={"name": "deploy"}))


def test_only_of_its_source_or_of_all() -> None:
    assert not seen(Event(NOW - MINUTE, source="other"))
    assert seen(Event(NOW - MINUTE, source=""))


@pytest.mark.parametrize(("service", "is_seen"), [(None, True), ("chat", True), ("search", False), (OTHER, True)])
def test_only_of_its_service_as_far_as_that_is_said(service: str | None, is_seen: bool) -> None:
    assert seen(Event(NOW - MINUTE, service="chat"), service=service) is is_seen
    assert seen(Event(NOW - MINUTE), service=service)


def test_it_says_the_newest_three() -> None:
    events = [Event(NOW - number * MINUTE, detail=f"e{number}") for number in (4, 1, 3, 2)]
    read = reading(RULE, lambda _: None, happened=events)
    assert read.said == "; ".join(f"e{n}, 2026-03-05 11:{60 - n} UTC" for n in (1, 2, 3))
    assert read.value is not None
    assert read.value.value == 4
    assert condition(RULE) == "model changed within the last 1h"
