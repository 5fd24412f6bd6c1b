"""Retry storms, counted over all calls of a window on both engines."""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from logs import ENGINES, Log, log_maker

from detectors.measurement import Segment, Window
from detectors.retries import retried, retried_each

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))
LONGEST = timedelta(minutes=10)
WHOLE = Segment()


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest) -> Callable[..., Log]:
    return log_maker(request)


def call(
    second: float, prompt: str | None, user: str | None, session: str | None = None, **more: Any
) -> dict[str, Any]:
    at = START + timedelta(seconds=second)
    return {"started_at": at, "latency_s": 0.0, "prompt": prompt, "user_id": user, "session_id": session} | more


def numbered(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"id": f"c{number:04}"} for number, each in enumerate(calls)]


STORY = [
    call(-60, "before", "ann"),
    call(0, "Help me with 17", "ann"),
    call(10, "before", "ann"),  # a retry of a call before the window
    call(120, "help  me with 18 ", "ann"),  # but for case, white space and numbers
    call(241, "help me with 18", "ann"),  # 121 s after the last one
    call(242, "help me with 18", "bob"),
    call(243, "help me with 18", None, "s1"),
    call(244, "help me with 18", "eve", "s1", error_type="timeout"),  # the same session
    call(245, "other", "eve", "s1"),
    call(246, "help me with 18", None),
    call(246, "help me with 18", "", ""),
    call(246, "help me with 18", "", ""),
    call(247, None, "ann"),
    call(248, " ", "ann"),
    call(250, "other", "ann", "eve"),  # a session named like a user is none
    call(3_600, "other", "ann", "eve"),  # after the window
]


def test_a_retry_is_nearly_the_same_prompt_of_the_same_sender_soon_after(make: Callable[..., Log]) -> None:
    rows = numbered(STORY)
    assert retried(make(rows), WINDOW, WHOLE, LONGEST) == (3, 9)
    random.Random(1).shuffle(rows)
    assert retried(make(rows), WINDOW, WHOLE, LONGEST) == (3, 9)


def test_of_a_window_without_calls_nothing_is_known(make: Callable[..., Log]) -> None:
    log = make(numbered(STORY))
    later = Window(WINDOW.end + timedelta(hours=1), WINDOW.end + timedelta(hours=2))
    assert retried(log, later, WHOLE, LONGEST) == (0, 0)


def test_a_storm_that_a_sample_would_miss_is_counted_whole_and_by_segment(make: Callable[..., Log]) -> None:
    dice = random.Random(2)
    rows = [
        call(dice.uniform(-100, 3_599), f"question {'abc'[dice.randrange(3)]} {n}", f"u{dice.randrange(40)}", service=s)
        for n, s in ((n, dice.choice("xy")) for n in range(600))
    ]
    rows += [call(600 + n, f"stuck at {n}", "robot", service="x") for n in range(50)]
    expected = {"x": [0, 0], "y": [0, 0]}
    for service, found in expected.items():
        last: dict[tuple[str, str], datetime] = {}
        for each in sorted((row for row in rows if row["service"] == service), key=lambda row: row["started_at"]):
            key = each["user_id"], re.sub("[0-9]+", "0", each["prompt"])
            if each["started_at"] >= START:
                found[1] += 1
                found[0] += key in last and each["started_at"] - last[key] <= timedelta(seconds=120)
            last[key] = each["started_at"]
    log = make(numbered(rows))
    for service, found in expected.items():
        assert retried(log, WINDOW, Segment.of(service=service), LONGEST) == tuple(found)
    assert expected["x"][0] > 49


def test_every_window_of_a_stretch_is_counted_as_it_is_alone(make: Callable[..., Log]) -> None:
    dice = random.Random(4)
    rows = [call(dice.uniform(0, 3 * 86_400), f"question {'ab'[dice.randrange(2)]}", f"u{n % 3}") for n in range(900)]
    rows += [call(86_400 * 0.5 - 30 + n, "stuck", "robot") for n in range(60)]  # over midnight
    log = make(numbered(rows))
    span, length = Window(START, START + timedelta(days=2, hours=4)), timedelta(hours=4)
    found = retried_each(log, span, WHOLE, LONGEST, length)
    assert list(found) == [START + number * length for number in range(13)]
    for start, counted in list(found.items())[::3]:
        assert counted == retried(log, Window(start, start + length), WHOLE, LONGEST)
    assert max(again for again, _ in found.values()) >= 29
    # Days are the unit of queries, not of windows: a longer window is counted whole, one cut by the stretch as far as it goes.
    whole = retried_each(log, Window(START, START + timedelta(days=1)), WHOLE, LONGEST, timedelta(days=1))
    assert list(whole) == [START - timedelta(hours=12), START + timedelta(hours=12)]
    assert sum(calls for _, calls in whole.values()) == sum(calls for _, calls in list(found.values())[:6])
