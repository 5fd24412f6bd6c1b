"""What a rule says about an alert in its own words: templates of the rule, filled with the facts of the alert.

Templates are the operator's, values are not: a label can hold anything that an application logs. A template cannot
reach more than the facts, values are never read as templates, and what comes out is bounded. A template that fails
costs its own text and never the alert.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, get_args

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerts.conditions import condition
from alerts.rules import Alert, State
from config.alerts import OwnRule, Rule, Severity

LONGEST: Final = 2_000  # characters that a template gives, and of a label that it is given
_MOST_WORK: Final = 1_000  # pieces that a template may write: a loop in a loop ends here

# The keys whose templates know nothing but labels: who is called and where they look must not change with the value.
OF_LABELS: Final = ("severity", "owner", "runbook")
OF_ALERT: Final = ("summary", "description")

# What can go wrong while a template is filled; it can call any method of a text, so this is not only Jinja's own.
ERRORS: Final = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)

_FALLBACK: Final[Severity] = "warning"


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of an alert, and the keys of the templates that failed."""

    texts: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)  # key: what went wrong


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which no operator makes a text or a number of any size."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        is_text = isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple)
        if operator == "**" or (operator == "*" and is_text):
            raise SecurityError(f"{operator} is not allowed here")
        if operator == "%" and isinstance(left, str):
            raise SecurityError("use the filters number, percent and duration in place of %")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:
        return None  # `format` is not wrapped here but banned below

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # `"{:>9999999}".format(...)` and its like write a text of any length.
        banned = isinstance(obj, str) and attr in ("format", "format_map", "ljust", "rjust", "center", "zfill")
        return not banned and super().is_safe_attribute(obj, attr, value)


def number(value: float | None) -> str:
    """Four significant digits; a value that is not there is said to be so."""
    return "no value" if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """A ratio as `4.2 %`."""
    return "no value" if value is None else f"{100 * value:.3g} %"


def duration(value: float | None) -> str:
    """Seconds as `850 ms`, `12.3 s`, `4.5 min` or `3.2 h`."""
    if value is None:
        return "no value"
    for limit, size, unit in ((1.0, 0.001, "ms"), (120.0, 1.0, "s"), (7200.0, 60.0, "min")):
        if abs(value) < limit:
            return f"{value / size:.3g} {unit}"
    return f"{value / 3600:.3g} h"


_ENVIRONMENT = _Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
_ENVIRONMENT.globals.clear()
# What a sentence needs, and nothing that makes a text of any length.
FILTERS: Final = (
    *("capitalize", "default", "first", "float", "int", "join", "last", "length", "lower", "replace", "round"),
    *("sort", "title", "trim", "truncate", "upper"),
)
_ENVIRONMENT.filters = {name: _ENVIRONMENT.filters[name] for name in FILTERS}
_ENVIRONMENT.filters |= {"number": number, "percent": percent, "duration": duration}


def facts_of_labels(labels: Mapping[str, str]) -> dict[str, Any]:
    """What every template knows: the labels, those of a missing column of the segment being undefined."""
    bounded = {name: value[:LONGEST] for name, value in labels.items()}
    return {"labels": bounded, "rule": bounded.get("rule", ""), "source": bounded.get("source", "")}


def facts_of_alert(rule: Rule, labels: Mapping[str, str], alert: Alert) -> dict[str, Any]:
    """What a summary and a description know beside that."""
    value = alert.value if alert.state is State.FIRING else None
    return facts_of_labels(labels) | {
        "measure": rule.measure,
        "state": alert.state.value,
        "since": _spelled(alert.since),
        "value": None if value is None else value.value,
        "lower": None if value is None else value.lower,
        "upper": None if value is None else value.upper,
        "n": None if value is None else value.n,
        "reason": alert.reason,
        "condition": condition(rule),
        "compared": alert.said[:LONGEST],
    }


def rendered(template: str, facts: Mapping[str, Any]) -> str:
    """A template with the facts in it, cut at `LONGEST` characters.

    Raises:
        one of `ERRORS`: it names something that is not there, or does what it may not.
    """
    length, pieces = 0, list[str]()
    for piece in _compiled(template).generate(facts):
        pieces.append(piece[: LONGEST - length])
        length += len(pieces[-1])
        if length >= LONGEST:
            break
        if len(pieces) > _MOST_WORK:
            raise SecurityError("writes too many pieces")
    return "".join(pieces).strip()


def undeclared(template: str) -> set[str]:
    """The names that a template takes from its facts.

    Raises:
        TemplateSyntaxError: it is no template.
    """
    return meta.find_undeclared_variables(_ENVIRONMENT.parse(template))


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    return _ENVIRONMENT.from_string(template)


def is_template(text: str | None) -> bool:
    """Whether a text of a rule has anything to fill in."""
    return text is not None and "{" in text


def of_alert(rule: Rule, labels: Mapping[str, str]) -> Rule:
    """The rule with what depends on labels alone filled in: severity, owner, runbook.

    Whoever tells people of an alert, or asks how severe it is, asks for this. Where a template fails there is no owner
    and no runbook, and the severity is that of a warning.
    """
    if isinstance(rule, OwnRule) or not any(is_template(getattr(rule, key)) for key in OF_LABELS):
        return rule
    words = _filled(rule, OF_LABELS, facts_of_labels(labels))
    # Not validated: a label's value that looks like a template is text now.
    return rule.model_copy(update={"owner": None, "runbook": None, "severity": _FALLBACK, **words.texts})


def words_of(rule: Rule, labels: Mapping[str, str], alert: Alert) -> Words:
    """Summary and description of an alert, as far as the rule has any."""
    if isinstance(rule, OwnRule):
        texts = {key: getattr(rule, key) for key in OF_ALERT}
        return Words({key: text for key, text in texts.items() if text})
    return _filled(rule, OF_ALERT, facts_of_alert(rule, labels, alert))


def failures(rule: Rule, labels: Mapping[str, str], alert: Alert) -> Mapping[str, str]:
    """The templates of a rule that fail for an alert, and why."""
    if isinstance(rule, OwnRule):
        return {}
    of_labels = _filled(rule, OF_LABELS, facts_of_labels(labels)).failed
    return {**of_labels, **words_of(rule, labels, alert).failed}


def _filled(rule: Rule, keys: tuple[str, ...], facts: Mapping[str, Any]) -> Words:
    texts, failed = {}, {}
    for key in keys:
        template = getattr(rule, key)
        if not template:
            continue
        try:
            text = rendered(template, facts) if is_template(template) else template
            if key == "severity" and text not in get_args(Severity):
                raise ValueError(f"gives {text[:40]!r}, which is no severity")
        except ERRORS as error:
            failed[key] = f"{type(error).__name__}: {error}"[:300]
        else:
            texts[key] = text
    return Words(texts, failed)


def _spelled(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
