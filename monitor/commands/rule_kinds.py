"""Checks that a rule's kind fits its measurement, and that its templates can be filled."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from jinja2 import TemplateSyntaxError
from pydantic import ValidationError

from alerts.annotations import ERRORS, OF_ALERT, OF_LABELS, facts_of_alert, facts_of_labels, is_template, rendered
from alerts.annotations import undeclared as names_in
from alerts.conditions import by_interval
from alerts.conditions.statistic import has_interval, statistic_of
from alerts.rules import Alert, State
from config.alerts import Rule, Severity
from config.problems import Finding, Path
from config.references import HISTORY
from config.words import choose, shown
from detectors.catalogue import MeasurementSpec
from detectors.measurement import Key, Value

EVENTS = "events"  # the measurement of a rule about events
_COUNTED = ("calls", "traces", "feedbacks")
_SPENT = ("cost_usd", "tokens")

# An alert that fires and one without a value: a template must do for both.
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_SAMPLES = (
    Alert(State.FIRING, since=_AT, fired_at=_AT, value=Value(0.5, 0.4, 0.6, 100), said="compared"),
    Alert(State.NO_DATA, since=_AT, reason="no data"),
)


def check_kind(written: Mapping[str, Any], known: Mapping[str, MeasurementSpec], path: Path) -> Iterator[Finding]:
    """What in a rule can never work; a rule that is wrong in itself is passed over, that is said elsewhere."""
    try:
        rule = Rule.model_validate(written)
    except ValidationError:
        return
    yield from _event(rule, path)
    if rule.measure in known:
        yield from _fit(rule, known[rule.measure], path)
        yield from _sure(rule, path)
    yield from _templates(rule, known.get(rule.measure), path)


def _event(rule: Rule, path: Path) -> Iterator[Finding]:
    if rule.event is not None and rule.measure != EVENTS:
        yield Finding((*path, "measure"), f"has no events: {shown(rule.measure)}", f"write `measure: {EVENTS}`")
    if rule.event is None and rule.measure == EVENTS:
        yield Finding((*path, "measure"), f"{EVENTS} are watched by a section `event`", "add `event: {}`")


def _fit(rule: Rule, spec: MeasurementSpec, path: Path) -> Iterator[Finding]:
    here = (*path, "measure")
    if rule.burn is not None and spec.unit != "ratio":
        yield Finding(here, f"{spec.name} is no ratio, so it has no error budget", "write error_ratio, for example")
    if rule.traffic_drop is not None and spec.name not in _COUNTED:
        yield Finding(here, f"{spec.name} is no traffic", f"choose from {', '.join(_COUNTED)}")
    if rule.budget is not None and spec.name not in _SPENT:
        yield Finding(here, f"{spec.name} is not spent", f"choose from {', '.join(_SPENT)}")
    if rule.budget is not None and spec.name == "tokens" and "type" not in rule.labels:
        hint = "add `labels: {type: output}`, or input: a rule for each that has a budget"
        yield Finding(here, "a budget of tokens needs their type", hint)


def _sure(rule: Rule, path: Path) -> Iterator[Finding]:
    """Whether there is an interval where one is needed, and a ratio where one can be."""
    key = Key.of(rule.measure, **{name: value for name, value in rule.labels.items() if name == "percentile"})
    if rule.kind in ("threshold", "change") and by_interval(rule) and not has_interval(key):
        what = (
            f"{rule.measure} has no interval" if statistic_of(key) != "percentile" else "a percentile has no interval"
        )
        hint = "write `fires_on: value`, with `min_calls` and `for` so that a few calls do not fire"
        yield Finding((*path, "fires_on" if rule.fires_on is not None else rule.kind), what, hint)
    change = rule.change
    if change is None:
        return
    if change.how == "ratio" and rule.measure == "feedback_score":
        yield Finding((*path, "change", "how"), "a score can be below 0 and has no ratio", "write `how: difference`")
    if statistic_of(key) == "percentile" and change.length is not None and change.length != HISTORY:
        hint = "leave `length` out, or watch percentile mean"
        yield Finding((*path, "change", "length"), "the percentiles of several windows are no percentile of all", hint)


def _templates(rule: Rule, spec: MeasurementSpec | None, path: Path) -> Iterator[Finding]:
    labels = {"rule": "a-rule", "source": "a-source"} | dict.fromkeys(rule.by, "a-value")
    labels |= {name: (values or ("a-value",))[0] for name, values in (spec.labels if spec is not None else ())}
    labels |= rule.labels
    for key in (*OF_LABELS, *OF_ALERT):
        text = getattr(rule, key)
        if is_template(text):
            found = _template(text, key, rule, labels)
            if found is not None:
                yield Finding((*path, key), *found)


def _template(text: str, key: str, rule: Rule, labels: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with a template, and what would be right."""
    of_labels = key in OF_LABELS
    facts = [facts_of_labels(labels)] if of_labels else [facts_of_alert(rule, labels, each) for each in _SAMPLES]
    try:
        unknown = sorted(names_in(text) - facts[0].keys())
    except TemplateSyntaxError as error:
        return f"is not a template: {error.message}", "see docs/rules.md"
    if unknown:
        why = f"; {'an' if key == 'owner' else 'a'} {key} depends on labels alone" if of_labels else ""
        return f"nothing is called {shown(unknown[0])}", choose(unknown[0], tuple(facts[0])) + why
    for each in facts:
        try:
            given = rendered(text, each)
        except ERRORS as error:
            when = "" if each.get("value", 0.0) is not None else " where there is no value"
            return f"cannot be filled{when}: {error}", f"labels are {', '.join(labels)}"
        if key == "severity" and given not in get_args(Severity):
            return f"gives {shown(given)}, which is no severity", f"it must give one of {', '.join(get_args(Severity))}"
    return None
