"""Reading a file of tests, with every problem named by file, line and key."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config import messages
from config.places import Places
from config.problems import ConfigProblems, Finding
from config.settings import Settings
from config.shape import shape_of
from config.yaml_lines import parse
from detectors.catalogue import BY_NAME
from monitor.commands.checks import load_checked
from monitor.commands.rule_checks import check_rules
from monitor.rules_test.file import SOURCE, RulesTestFile, RuleTest
from monitor.rules_test.misfits import misfits

_SHAPE = shape_of(RulesTestFile)


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of a file, with the settings that they run under.

    Attributes:
        settings: rules, receivers and sources.
        tests: in order of the file.
        lines: of each test, in the file.
    """

    settings: Settings
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
    found += misfits(file, settings)
    if found:
        raise ConfigProblems(places.problems(found))
    lines = tuple(places.of(("tests", number))[1] or 1 for number in range(len(file.tests)))
    return Suite(settings, tuple(file.tests), lines)


def _configured(file: RulesTestFile, folder: Path, environ: Mapping[str, str]) -> Settings | None:
    return None if file.config is None else load_checked(folder / file.config, environ).settings


def _tree(values: Mapping[str, Any], configured: Settings | None) -> dict[str, Any]:
    """The rules of the file as they are written, beside what they must fit; a file of its own has a judge."""
    beside: dict[str, Any] = {"sources": {}, "judge": {}}
    if configured is not None:
        beside = configured.model_dump(include={"sources", "text", "judge"})
    return {"rules": values.get("rules") or {}, **beside}


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
