"""The whole check of a configuration: the settings, and what they say of measurements and of files that are there."""

import glob
from collections.abc import Iterator, Mapping
from pathlib import Path

from alerts.registry import missing
from config.load import Draft, Loaded, draft
from config.problems import ConfigProblems, Finding, Problem
from detectors.catalogue import BY_NAME
from detectors.judge.criterion import CriterionError, from_file
from detectors.sentiment import is_installed
from monitor.commands.routing_checks import chart_doubts, routing_doubts
from monitor.commands.rule_checks import check_rules


def load_checked(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Loads a configuration that can be run: like `config.load.load`, with the rules checked against the measurements.

    Raises:
        ConfigProblems: the configuration cannot be used; it holds every problem.
    """
    read = draft(path, environ)
    problems = all_problems(read)
    if problems or read.loaded is None:
        raise ConfigProblems(problems)
    return read.loaded


def all_problems(read: Draft) -> list[Problem]:
    """Every problem of a draft, in the order of the file."""
    found = [*check_rules(read.tree, BY_NAME), *_missing(read), *_wrong_criteria(read)]
    return read.places.sorted([*read.problems, *read.places.problems(found)])


def _missing(read: Draft) -> Iterator[Finding]:
    """What is asked for and not installed."""
    if read.loaded is not None and read.loaded.settings.text.sentiment and not is_installed():
        hint = "pip install vaderSentiment (or watchkeeper[sentiment]), or leave it false"
        yield Finding(("text", "sentiment"), "needs the package vaderSentiment, which is not installed", hint)
    for name, receiver in {} if read.loaded is None else read.loaded.settings.receivers.items():
        if (lack := missing(receiver.kind)) is not None:
            what, _, hint = lack.partition(": ")
            yield Finding(("receivers", name, "kind"), f"{receiver.kind} {what}", hint)


def _wrong_criteria(read: Draft) -> Iterator[Finding]:
    """What is wrong with the files of the judge's criteria."""
    if read.loaded is None:
        return
    for name, path in _criterion_files(read.loaded):
        if not path.is_file():
            continue  # a doubt, as with other files: it may come
        try:
            from_file(name, path)
        except CriterionError as error:
            yield from (Finding(("judge", "own_criteria", name, "file"), line) for line in str(error).splitlines())


def _criterion_files(loaded: Loaded) -> Iterator[tuple[str, Path]]:
    judge = loaded.settings.judge
    for name, own in {} if judge is None else judge.own_criteria.items():
        if own.file is not None:
            yield name, Path(loaded.resolve(own.file))


def warnings(read: Draft) -> list[Problem]:
    """What is allowed, but probably not meant."""
    return [] if read.loaded is None else read.places.problems(_doubts(read.loaded))


def _doubts(loaded: Loaded) -> Iterator[Finding]:
    settings = loaded.settings
    if not settings.sources:
        yield Finding(("sources",), "no source is configured", "there is nothing to watch")
    if settings.rules and not settings.receivers:
        hint = "alerts show only in the metrics and on the status page"
        yield Finding(("receivers",), "no receiver is configured", hint)
    yield from _without_files(loaded)
    yield from routing_doubts(settings)
    yield from chart_doubts(settings)
    for name, source in settings.sources.items():
        if source.kind == "files":
            yield from _unmatched(source.paths, loaded, ("sources", name, "paths"))
            if source.feedback is not None:
                yield from _unmatched(source.feedback.paths, loaded, ("sources", name, "feedback", "paths"))


def _without_files(loaded: Loaded) -> Iterator[Finding]:
    if loaded.settings.golden is not None:
        wanted = loaded.resolve(loaded.settings.golden.prompts)
        if not Path(wanted).is_file():
            yield Finding(("golden", "prompts"), "there is no such file yet", f"it was looked for at {wanted}")
    for name, path in _criterion_files(loaded):
        if not path.is_file():
            at = ("judge", "own_criteria", name, "file")
            yield Finding(at, "there is no such file yet", f"it was looked for at {path}")


def _unmatched(patterns: list[str], loaded: Loaded, path: tuple[str, ...]) -> Iterator[Finding]:
    for number, pattern in enumerate(patterns):
        wanted = str(loaded.resolve(pattern))
        if next(glob.iglob(wanted, recursive=True), None) is None:
            yield Finding((*path, number), "no file matches yet", f"it was looked for at {wanted}")
