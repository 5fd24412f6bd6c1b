"""The file of `rules test`: its keys, and reading it with every problem named by file, line and key."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from alerts.notifier import Action
from config import messages
from config.alerts import Rule
from config.places import Places
from config.problems import ConfigProblems, Finding
from config.receivers import AnyReceiver
from config.settings import Settings
from config.shape import shape_of
from config.sources.common import Strict
from config.types import Duration, LabelValue, Name, NameList, PositiveDuration
from config.words import choose, shown
from config.yaml_lines import parse
from detectors.catalogue import BY_NAME
from monitor.commands.checks import load_checked
from monitor.commands.rule_checks import check_rules
from monitor.rules_test.notation import Samples

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday, midnight: every length of window has a slot there
SOURCE = "app"

StateName = Literal["inactive", "pending", "firing", "no_data", "error"]


class InputSeries(Strict):
    """What is measured, a value a window: the first at 0s, the next one a window later."""

    measure: str = Field(description="Name of a measurement, as in docs/measurements.md.")
    values: Samples = Field(description="One a window: 0x3 0.1+0.1x4 _x2.")
    labels: dict[str, LabelValue] = Field(default={}, description="Labels of the measurement: percentile, type, …")
    segment: dict[str, LabelValue] = Field(default={}, description="Of which segment; unset is the whole source.")
    source: str | None = Field(None, description="Of which source; may be unset where there is only one.")
    over: PositiveDuration | None = Field(
        None, description="Only of trailing windows of this length; unset is every length that a rule reads."
    )
    before: Samples | None = Field(
        None, description="What was measured before, a value a history window (1h), up to the first of `values`."
    )
    n: Samples | None = Field(None, description="Calls behind each value, written alike; the last one goes on.")
    lower: Samples | None = Field(None, description="Lower end of each value's interval; the last one goes on.")
    upper: Samples | None = Field(None, description="Upper end of each value's interval; the last one goes on.")


class InputEvent(Strict):
    """Something that happens, as `watchkeeper event` marks it or Watchkeeper notices it."""

    at: Duration = Field(description="When, after the first value.")
    name: str = Field(description="What it is called: model changed, or a name of your own.")
    detail: str = Field("", description="More about it.")
    service: str = Field("", description="About which service; unset is all.")
    source: str | None = Field(None, description="About which source; may be unset where there is only one.")


class Expected(Strict):
    """A change of state."""

    at: Duration = Field(description="When, after the first value.")
    rule: Name = Field(description="Of which rule.")
    to: StateName = Field(description="The state after it.")
    segment: dict[str, LabelValue] = Field(default={}, description="Of which segment; unset is the whole source.")
    labels: dict[str, LabelValue] = Field(default={}, description="Labels of the measurement.")
    source: str | None = Field(None, description="Of which source; may be unset where there is only one.")
    value: float | None = Field(None, description="What was read; unset is not compared.")
    reason: str | None = Field(None, description="Why; unset is not compared.")


class ExpectedMessage(Strict):
    """A message to a receiver."""

    at: Duration = Field(description="When it is sent, after the first value.")
    receiver: Name = Field(description="To whom.")
    action: Action = Field(description="trigger, update or resolve.")
    rules: NameList = Field(description="The rules of the alerts in it.")
    title: str | None = Field(None, description="Its title; unset is not compared.")


class RuleTest(Strict):
    """Series, and everything that they must lead to."""

    name: str = Field(description="A sentence about what must hold.")
    start: AwareDatetime = Field(START, description="When the first value is read: matters to hours, days and weeks.")
    rules: NameList | None = Field(
        None,
        description="The rules that are tested; unset is those whose measurement has a series, or whose event happens.",
    )
    series: list[InputSeries] = Field(description="What is measured.", min_length=1)
    events: list[InputEvent] = Field(default=[], description="What happens meanwhile.")
    until: Duration | None = Field(
        None, description="Go on until then, without values; unset is the end of the longest series."
    )
    transitions: list[Expected] | None = Field(
        None, description="All changes of state, in any order; unset is not compared, [] is none."
    )
    messages: list[ExpectedMessage] | None = Field(
        None, description="All messages, in any order; unset is not compared, [] is none."
    )


class RulesTestFile(Strict):
    """Everything that a file of tests may hold."""

    config: str | None = Field(
        None, description="The configuration whose rules are tested; a relative path starts at this file."
    )
    rules: dict[Name, Rule] = Field(default={}, description="Rules that are added, or tested in the place of others.")
    receivers: dict[Name, AnyReceiver] = Field(
        default={}, description="Receivers that are added; nothing is ever sent to them."
    )
    window: PositiveDuration | None = Field(
        None, description="Length of a window; unset is that of the configuration, or 1m."
    )
    tests: list[RuleTest] = Field(description="The tests.", min_length=1)


_SHAPE = shape_of(RulesTestFile)


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of a file, with the settings that they run under.

    Attributes:
        settings: rules, receivers and sources.
        window: the length of a window.
        tests: in order of the file.
        lines: of each test, in the file.
    """

    settings: Settings
    window: timedelta
    tests: tuple[RuleTest, ...]
    lines: tuple[int, ...]


def read_suite(path: Path, environ: Mapping[str, str] = os.environ) -> Suite:
    """Reads a file of tests, and the configuration that it names.

    Raises:
        ConfigProblems: the file or its configuration cannot be used; it holds every problem.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        finding = Finding((), f"cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}")
        raise ConfigProblems(Places(str(path)).problems([finding])) from error
    document = parse(text)
    places = Places(str(path), document.lines)
    found = list(document.findings)
    try:
        file = RulesTestFile.model_validate(document.values, by_alias=True, by_name=False)
    except ValidationError as error:
        raise ConfigProblems(places.problems([*found, *messages.findings(error, _SHAPE, document.values)])) from None
    configured = _configured(file, path.absolute().parent, environ)
    found += check_rules(_tree(document.values, configured), BY_NAME)
    settings = _settings(file, configured)
    found += _misfits(file, settings)
    if found:
        raise ConfigProblems(places.problems(found))
    lines = tuple(places.of(("tests", number))[1] or 1 for number in range(len(file.tests)))
    return Suite(settings, settings.window, tuple(file.tests), lines)


def source_of(source: str | None, settings: Settings) -> str:
    """The source that a series or an expectation is about."""
    return source or next(iter(settings.sources))


def _configured(file: RulesTestFile, folder: Path, environ: Mapping[str, str]) -> Settings | None:
    return None if file.config is None else load_checked(folder / file.config, environ).settings


def _tree(values: Mapping[str, Any], configured: Settings | None) -> dict[str, Any]:
    """The rules of the file as they are written, beside the sources that they must fit."""
    sources = {} if configured is None else {name: each.model_dump() for name, each in configured.sources.items()}
    return {"rules": values.get("rules") or {}, "sources": sources}


def _settings(file: RulesTestFile, configured: Settings | None) -> Settings:
    base = configured or _imagined(file)
    window = {} if file.window is None else {"window": file.window}
    changes = {"rules": {**base.rules, **file.rules}, "receivers": {**base.receivers, **file.receivers}, **window}
    return base.model_copy(update=changes)


def _imagined(file: RulesTestFile) -> Settings:
    """Without a configuration: the sources that the series name, cut as the rules need it, and one receiver."""
    names = {each.source or SOURCE for test in file.tests for each in test.series}
    groupings = [list(by) for by in dict.fromkeys(((), *(tuple(rule.by) for rule in file.rules.values())))]
    files = {"kind": "files", "paths": ["calls.jsonl"], "groupings": groupings}
    told = {} if file.receivers else {"test": {"kind": "webhook", "url": "http://127.0.0.1:9/"}}
    return Settings.model_validate({"sources": dict.fromkeys(sorted(names), files), "receivers": told})


def _misfits(file: RulesTestFile, settings: Settings) -> Iterator[Finding]:
    for number, test in enumerate(file.tests):
        here = ("tests", number)
        yield from _unknown(test.rules or [], settings.rules, "rule", (*here, "rules"))
        for place, each in enumerate(test.series):
            at = (*here, "series", place)
            yield from _source(each.source, settings, (*at, "source"))
            if each.measure not in BY_NAME:
                yield Finding(
                    (*at, "measure"), f"unknown measurement {shown(each.measure)}", choose(each.measure, BY_NAME)
                )
        for place, event in enumerate(test.events):
            yield from _source(event.source, settings, (*here, "events", place, "source"))
        longest = test_end(test, settings.window)
        for place, change in enumerate(test.transitions or []):
            at = (*here, "transitions", place)
            yield from _unknown([change.rule], settings.rules, "rule", (*at, "rule"))
            yield from _source(change.source, settings, (*at, "source"))
            yield from _late(change.at, longest, settings.window, (*at, "at"))
        for place, message in enumerate(test.messages or []):
            at = (*here, "messages", place)
            yield from _unknown([message.receiver], settings.receivers, "receiver", (*at, "receiver"))
            yield from _late(message.at, longest, None, (*at, "at"))


def test_end(test: RuleTest, window: timedelta) -> timedelta:
    """The last moment of a test, after its first value."""
    return max([(max(len(each.values) for each in test.series) - 1) * window, test.until or timedelta(0)])


def _unknown(names: list[str], known: Mapping[str, Any], what: str, path: tuple[str | int, ...]) -> Iterator[Finding]:
    for name in names:
        if name not in known:
            yield Finding(path, f"unknown {what} {shown(name)}", choose(name, known))


def _source(name: str | None, settings: Settings, path: tuple[str | int, ...]) -> Iterator[Finding]:
    if name is None and len(settings.sources) != 1:
        yield Finding(path, "must be set: there are several sources", choose("", settings.sources))
    elif name is not None:
        yield from _unknown([name], settings.sources, "source", path)


def _late(at: timedelta, end: timedelta, window: timedelta | None, path: tuple[str | int, ...]) -> Iterator[Finding]:
    if at > end:
        yield Finding(path, "is after the end of the test", "lengthen a series, or set `until`")
    elif window is not None and at % window:
        yield Finding(path, "no window ends then", f"write a multiple of {int(window.total_seconds())}s")
