"""What in a file of tests names something that is not there, or asks of a time at which nothing is read."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from config.calls import GROUPING_COLUMNS
from config.problems import Finding, Path
from config.settings import Settings
from config.words import choose, shown
from detectors.catalogue import BY_NAME
from monitor.commands.text_rule_checks import MEASURED_APART
from monitor.rules_test.file import InputSeries, RulesTestFile, RuleTest
from monitor.rules_test.times import is_of_texts, is_of_traffic, length_of, step_of, test_end
from monitor.slots import EPOCH

_MEASURED = {**BY_NAME, **MEASURED_APART}


def misfits(file: RulesTestFile, settings: Settings) -> Iterator[Finding]:
    """What in the tests does not fit the settings that they run under."""
    for number, test in enumerate(file.tests):
        here = ("tests", number)
        yield from _unknown(test.rules or [], settings.rules, "rule", (*here, "rules"))
        for place, each in enumerate(test.series):
            at = (*here, "series", place)
            yield from _source(each.source, settings, (*at, "source"))
            yield from _measured(each, at)
            yield from _aligned(test, each, settings, at)
        for place, event in enumerate(test.events):
            yield from _source(event.source, settings, (*here, "events", place, "source"))
        longest, step = test_end(test, settings), step_of(test, settings)
        for place, change in enumerate(test.transitions or []):
            at = (*here, "transitions", place)
            yield from _unknown([change.rule], settings.rules, "rule", (*at, "rule"))
            yield from _source(change.source, settings, (*at, "source"))
            yield from _late(change.at, longest, step, (*at, "at"))
        for place, message in enumerate(test.messages or []):
            at = (*here, "messages", place)
            yield from _unknown([message.receiver], settings.receivers, "receiver", (*at, "receiver"))
            yield from _late(message.at, longest, None, (*at, "at"))


def _measured(series: InputSeries, at: Path) -> Iterator[Finding]:
    """A series of something that is measured, with labels that it has; of texts with all of them, as they are kept."""
    if series.measure not in _MEASURED:
        hint = choose(series.measure, _MEASURED)
        yield Finding((*at, "measure"), f"unknown measurement {shown(series.measure)}", hint)
        return
    own = dict(_MEASURED[series.measure].labels)
    for label, value in series.labels.items():
        here = (*at, "labels", label)
        if label not in own:
            hint = "write it under `segment`" if label in GROUPING_COLUMNS else choose(label, own) if own else ""
            yield Finding(here, f"{series.measure} has no label {shown(label)}", hint)
        elif own[label] and value not in own[label]:
            yield Finding(here, f"must be one of {', '.join(own[label])}")
    for label in own.keys() - series.labels.keys() if is_of_texts(series) else ():
        hint = f"add it to `labels`: {', '.join(own[label]) or 'which one'}"
        yield Finding((*at, "labels"), f"{series.measure} has the label {label}", hint)


def _aligned(test: RuleTest, series: InputSeries, settings: Settings, at: Path) -> Iterator[Finding]:
    """Windows of texts and of a judge lie where the service has them."""
    if is_of_traffic(series) or series.measure not in _MEASURED:
        return
    length = length_of(series, settings)
    if (test.start - EPOCH) % length:
        yield Finding((*at[:2], "start"), f"no window of {series.measure} ends then", _multiple(length))
    elif length % settings.window:
        yield Finding((*at, "over"), "is not a whole number of windows", _multiple(settings.window))


def _unknown(names: list[str], known: Mapping[str, Any], what: str, path: Path) -> Iterator[Finding]:
    for name in names:
        if name not in known:
            yield Finding(path, f"unknown {what} {shown(name)}", choose(name, known))


def _source(name: str | None, settings: Settings, path: Path) -> Iterator[Finding]:
    if name is None and len(settings.sources) != 1:
        yield Finding(path, "must be set: there are several sources", choose("", settings.sources))
    elif name is not None:
        yield from _unknown([name], settings.sources, "source", path)


def _late(at: timedelta, end: timedelta, step: timedelta | None, path: Path) -> Iterator[Finding]:
    if at > end:
        yield Finding(path, "is after the end of the test", "lengthen a series, or set `until`")
    elif step is not None and at % step:
        yield Finding(path, "no window ends then", _multiple(step))


def _multiple(length: timedelta) -> str:
    return f"write a multiple of {int(length.total_seconds())}s"
