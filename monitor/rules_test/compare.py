"""What was expected beside what happened, as lines that a person can read."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import isclose
from typing import NamedTuple

import orjson

from alerts.notifier import Message
from config.settings import Settings
from config.types import format_duration
from monitor.rules_test.file import Expected, ExpectedMessage, RuleTest, source_of
from monitor.rules_test.run import Happened
from monitor.store.outbox import transition_json
from monitor.store.tables import TransitionRow


class Fact(NamedTuple):
    """One change of state or message: what must be the same, and what is compared where it was written down."""

    at: timedelta
    words: str
    value: float | None = None
    said: str | None = None

    def __str__(self) -> str:
        value = "" if self.value is None else f" at {self.value:.6g}"
        said = f" ({self.said})" if self.said else ""
        return f"{format_duration(self.at):>7}  {self.words}{value}{said}"


def differences(settings: Settings, test: RuleTest, happened: Happened) -> list[str]:
    """Lines with `-` for what was expected and did not happen, `+` for what happened and was not expected."""
    lines: list[str] = []
    if test.transitions is not None:
        wanted = [_expected(each, settings) for each in test.transitions]
        lines += _differ("transitions", wanted, [_transition(each, test.start) for each in happened.transitions])
    if test.messages is not None:
        got = [_message(at, receiver, each, test.start) for at, receiver, each in happened.messages]
        lines += _differ("messages", [_expected_message(each) for each in test.messages], got)
    return lines


def _differ(what: str, wanted: Iterable[Fact], got: list[Fact]) -> Iterator[str]:
    missing, left = [], list(got)
    for each in wanted:
        match = next((one for one in left if _fits(each, one)), None)
        if match is None:
            missing.append(each)
        else:
            left.remove(match)
    if not missing and not left:
        return
    yield what
    marked = [*((each, "-") for each in missing), *((each, "+") for each in left)]
    marked += [(each, " ") for each in (Counter(got) - Counter(left)).elements()]
    for each, mark in sorted(marked, key=lambda one: (one[0].at, one[0].words, one[1] != "-")):
        yield f"  {mark} {each}"


def _fits(wanted: Fact, got: Fact) -> bool:
    same_value = wanted.value is None or (got.value is not None and isclose(wanted.value, got.value, rel_tol=1e-9))
    return wanted[:2] == got[:2] and same_value and wanted.said in (None, got.said)


def _expected(each: Expected, settings: Settings) -> Fact:
    place = _place(source_of(each.source, settings), each.segment, each.labels)
    return Fact(each.at, f"{each.rule} {each.to} on {place}", each.value, each.reason)


def _transition(row: TransitionRow, start: datetime) -> Fact:
    shape = transition_json(row)
    place = _place(row.source, shape["segment"], dict(orjson.loads(row.labels)))
    return Fact(row.at - start, f"{row.rule} {row.to_state} on {place}", row.value, row.reason)


def _expected_message(each: ExpectedMessage) -> Fact:
    return Fact(each.at, f"{each.action} to {each.receiver}: {', '.join(sorted(each.rules))}", None, each.title)


def _message(at: datetime, receiver: str, message: Message, start: datetime) -> Fact:
    rules = ", ".join(sorted({each.labels["rule"] for each in message.alerts}))
    return Fact(at - start, f"{message.action} to {receiver}: {rules}", None, message.title)


def _place(source: str, segment: dict[str, str], labels: dict[str, str]) -> str:
    return " / ".join([source, *(f"{name}={value}" for name, value in sorted({**segment, **labels}.items()))])
