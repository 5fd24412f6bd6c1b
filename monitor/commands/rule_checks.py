"""Checks rules against what is measured: a rule on a number that nobody makes would never fire."""

from collections.abc import Iterator, Mapping
from typing import Any

from config.calls import GROUPING_COLUMNS
from config.problems import Finding, Path
from config.references import names, sections
from config.sources.common import CommonSource
from config.words import choose, nearest, shown
from detectors.catalogue import MeasurementSpec
from monitor.commands.rule_kinds import EVENTS, check_kind
from monitor.commands.text_rule_checks import MEASURED_APART, check_text_rule

# Labels that every alert has beside those of its segment and its measurement.
ALERT_LABELS = ("rule", "source", "severity")


def check_rules(tree: Mapping[str, Any], known: Mapping[str, MeasurementSpec]) -> Iterator[Finding]:
    """What rules and receivers name that does not exist.

    Args:
        tree: the settings as written, perhaps wrong elsewhere; what is wrong in itself is passed over here.
        known: the measurements of traffic by name.
    """
    every = {**known, **MEASURED_APART}
    for name, rule in sections(tree, "rules").items():
        path: Path = ("rules", name)
        measure = rule.get("measure")
        is_apart = isinstance(measure, str) and measure in MEASURED_APART
        yield from (check_text_rule if is_apart else _grouping)(rule, tree, path)
        yield from check_kind(rule, every, path)
        if not isinstance(measure, str) or measure == EVENTS:
            continue
        if measure in every:
            yield from _labels(rule, every[measure], path)
        else:
            meant = measure.removeprefix("llm_")
            hint = choose(meant, every if nearest(meant, every) else known)
            yield Finding((*path, "measure"), f"unknown measurement {shown(measure)}", hint)
    yield from _group_labels(tree, every)


def _labels(rule: Mapping[str, Any], spec: MeasurementSpec, path: Path) -> Iterator[Finding]:
    labels, by = rule.get("labels") or {}, {name for _, name in names(rule.get("by"))}
    if not isinstance(labels, Mapping):
        return
    own = dict(spec.labels)
    for label, value in labels.items():
        here = (*path, "labels", label)
        if label in own:
            yield from _label_value(here, value, own[label])
        elif label in GROUPING_COLUMNS:
            if label not in by:
                yield Finding(here, f"the rule does not watch segments by {label}", f"add {label} to its `by`")
        else:
            meant = nearest(label, [*own, *by])
            there_are = f"it has {', '.join(own)}" if own else "it has none of its own"
            hint = f"did you mean {meant!r}?" if meant else f"{there_are}; further labels are columns of `by`"
            yield Finding(here, f"{spec.name} has no label {shown(label)}", hint)
    if "percentile" in own and "percentile" not in labels:
        hint = f"add `labels: {{percentile: 95}}`, or one of {', '.join(own['percentile'])}"
        yield Finding((*path, "measure"), f"{spec.name} needs a percentile", hint)


def _label_value(path: Path, value: Any, allowed: tuple[str, ...]) -> Iterator[Finding]:
    is_text = isinstance(value, str | int) and not isinstance(value, bool)
    if allowed and is_text and str(value) not in allowed:
        yield Finding(path, f"must be one of {', '.join(allowed)}")


def _grouping(rule: Mapping[str, Any], tree: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    """A rule's segments must be measured in every source that the rule watches."""
    by = [name for _, name in names(rule.get("by"))]
    if not by or any(column not in GROUPING_COLUMNS for column in by):
        return
    chosen = {name for _, name in names(rule.get("sources"))}
    for name, source in sections(tree, "sources").items():
        groupings = source.get("groupings", CommonSource.model_fields["groupings"].default)
        if (chosen and name not in chosen) or not isinstance(groupings, list):
            continue
        if not any(isinstance(grouping, list) and set(map(str, grouping)) == set(by) for grouping in groupings):
            hint = f"add [{', '.join(by)}] to sources.{name}.groupings, or name other `sources` in the rule"
            yield Finding((*path, "by"), f"source {name} is not cut by [{', '.join(by)}]", hint)


def _group_labels(tree: Mapping[str, Any], known: Mapping[str, MeasurementSpec]) -> Iterator[Finding]:
    measured = {label: None for spec in known.values() for label, _ in spec.labels}
    labels = [*ALERT_LABELS, *GROUPING_COLUMNS, *measured]
    for name, receiver in sections(tree, "receivers").items():
        for below, label in names(receiver.get("group_by")):
            if label not in labels:
                path = ("receivers", name, "group_by", *below)
                yield Finding(path, f"alerts have no label {shown(label)}", choose(label, labels))
