"""Logs with everything that real ones have: gaps, contradictions, nonsense, hostile text, and times exactly on the edges."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from config.calls import ERROR_TYPES
from detectors.derived import MICROSECOND
from detectors.measurement import Window

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=5)

HOSTILE = (
    "a",
    "b",
    "",
    " ",
    None,
    "__other__",
    "__none__",
    "O'Hara",
    '"; drop table t; --',
    "x\x1fy",
    "\\",
    "%s{}",
    "ü💥",
    "y" * 10_000,
)
MESSAGES = (
    "Rate limit reached for gpt",
    "Error code: 429",
    "id 84291x timed out",
    "Deadline exceeded",
    "The response was filtered due to the content management policy",
    "Request aborted by user",
    "Invalid API key",
    "maximum context length is 8192",
    "upstream connection reset",
    "???",
    "  ",
    "quote ' and \\ and % and {} and ü💥" + "z" * 5_000 + " timeout",
)


def windows(
    count: int, length: timedelta = MINUTE, step: timedelta | None = None, start: datetime = START
) -> list[Window]:
    """Windows with a constant step, the length unless it is given."""
    return [Window(start + i * (step or length), start + i * (step or length) + length) for i in range(count)]


def random_calls(seed: int, count: int, span: timedelta = 6 * MINUTE) -> list[dict[str, Any]]:
    """A log with everything that real logs have: gaps, contradictions, nonsense, and times exactly on the edges."""
    chance = random.Random(seed)

    def maybe(value: Callable[[], Any], share: float = 0.7) -> Any:
        return value() if chance.random() < share else None

    def moment() -> datetime:
        if chance.random() < 0.2:
            return START + MINUTE * chance.randrange(span // MINUTE) + chance.choice([-1, 0, 0, 1]) * MICROSECOND
        return START + MICROSECOND * chance.randrange(span // MICROSECOND)

    rows = []
    for number in range(count):
        started = moment() if chance.random() < 0.5 else moment() - timedelta(seconds=chance.expovariate(0.1))
        ended = max(started, moment()) if chance.random() < 0.9 else started - MINUTE
        rows.append(
            {
                "id": f"call-{number}",
                "started_at": started,
                "ended_at": ended if chance.random() < 0.7 else None,
                "service": chance.choice(HOSTILE),
                "model": chance.choice(("m1", "m2", "m3", None)),
                "response": chance.choice((None, " \n", "Sure.", "I'm sorry, but I can't help with that.", "x" * 300)),
                "error": maybe(lambda: chance.choice(MESSAGES), 0.1),
                "error_type": maybe(lambda: chance.choice((*ERROR_TYPES, " Timeout ", "weird", "")), 0.15),
                "status_code": maybe(
                    lambda: chance.choice((200, 200, 200, 200, 429, 504, 401, 499, 400, 500, 302)), 0.6
                ),
                "finish_reason": chance.choice(("stop", "length", "MAX_TOKENS", "", None)),
                "streamed": chance.choice((True, False, None)),
                "latency_s": maybe(lambda: chance.choice((chance.expovariate(0.1), -1.0, math.nan, math.inf, 400.0))),
                "ttft_s": maybe(lambda: chance.choice((chance.random(), chance.random(), -0.5))),
                "input_tokens": maybe(lambda: chance.choice((chance.randrange(10_000), 0, -1))),
                "output_tokens": maybe(lambda: chance.randrange(5)),
                "cached_input_tokens": maybe(lambda: chance.randrange(100), 0.2),
                "cost_usd": maybe(lambda: chance.choice((chance.random() / 100, -1.0, math.nan))),
                "cache_hit": chance.choice((True, False, None)),
                "tool_calls": chance.choice((None, "[]", '[{"name": "f"}]')),
            }
        )
    return rows
