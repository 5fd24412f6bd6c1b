"""What a rule says in its own words: templates that are filled, that fail, and that are attacked."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.annotations import (
    LONGEST,
    duration,
    facts_of_labels,
    failures,
    number,
    of_alert,
    percent,
    rendered,
    words_of,
)
from alerts.rules import Alert, AlertId, State
from alerts.view import Active, view
from config.alerts import OwnRule, Rule
from detectors.measurement import Segment, Value

ROOT = Path(__file__).parents[1]
AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
FIRING = Alert(State.FIRING, since=AT, fired_at=AT, value=Value(0.1234, 0.1, 0.15, 400), said="against last week")
LABELS = {"rule": "errors", "source": "app", "service": "chat"}


def a_rule(**settings: Any) -> Rule:
    return Rule.model_validate({"measure": "error_ratio", "above": 0.05, "by": ["service"]} | settings)


def test_a_summary_and_a_description_are_filled_with_the_facts() -> None:
    rule = a_rule(
        summary="{{ labels.service }}: {{ value | percent }} of {{ n }} calls ({{ lower | percent }} or more)",
        description="{{ measure }} {{ condition }}, {{ compared }}, since {{ since }}, {{ state }} of {{ rule }}",
    )
    assert words_of(rule, LABELS, FIRING).texts == {
        "summary": "chat: 12.3 % of 400 calls (10 % or more)",
        "description": "error_ratio above 0.05, against last week, since 2026-03-05 12:00 UTC, firing of errors",
    }


def test_the_view_has_them_and_the_owner() -> None:
    rule = a_rule(summary="{{ value | number }}", description="more", owner="{{ labels.service }}-team")
    alert_id = AlertId("errors", "app", Segment.of(service="chat"), ())
    shown = view(Active(alert_id, of_alert(rule, LABELS), FIRING))
    assert (shown.summary, shown.description, shown.owner) == ("0.1234", "more", "chat-team")
    assert shown.baseline == "against last week"


def test_severity_owner_and_runbook_depend_on_labels_alone() -> None:
    rule = a_rule(
        severity="{{ 'critical' if labels.service == 'checkout' else 'info' }}",
        owner="{{ labels.service }}-team",
        runbook="https://wiki/{{ labels.service }}",
    )
    chat, checkout = of_alert(rule, LABELS), of_alert(rule, LABELS | {"service": "checkout"})
    assert (chat.severity, chat.owner, chat.runbook) == ("info", "chat-team", "https://wiki/chat")
    assert checkout.severity == "critical"
    failed = of_alert(a_rule(severity="{{ value }}", owner="{{ n }}"), LABELS)
    assert (failed.severity, failed.owner) == ("warning", None)


def test_a_rule_without_templates_stays_as_it_is() -> None:
    rule = a_rule(summary="Calls fail", runbook="https://wiki/errors")
    assert of_alert(rule, LABELS) is rule
    assert words_of(rule, LABELS, FIRING).texts == {"summary": "Calls fail"}


@pytest.mark.parametrize("template", ["{{ nothing }}", "{{ labels.model }}", "{{ 1 / 0 }}", "{{ value.real.x }}", "{{"])
def test_a_template_that_fails_costs_its_own_text_and_is_counted(template: str) -> None:
    rule = a_rule(summary=template, description="still there")
    words = words_of(rule, LABELS, FIRING)
    assert words.texts == {"description": "still there"}
    assert list(words.failed) == ["summary"]
    assert list(failures(rule, LABELS, FIRING)) == ["summary"]
    alert_id = AlertId("errors", "app", Segment.of(service="chat"), ())
    assert view(Active(alert_id, rule, FIRING)).summary == "error_ratio is 0.1234 (above 0.05)"


@pytest.mark.parametrize(
    "hostile", ["{{ 7 * 7 }}", "{% for i in labels %}x{% endfor %}", "{# #}", "<!channel>", "\ud800"]
)
def test_a_value_is_data_and_never_a_template(hostile: str) -> None:
    labels = LABELS | {"service": hostile}
    rule = a_rule(summary="{{ labels.service }}", owner="{{ labels.service }}")
    resolved = of_alert(rule, labels)
    assert resolved.owner == hostile
    assert words_of(resolved, labels, FIRING).texts["summary"] == hostile
    # A second look, at what is filled in already, changes nothing either.
    alert_id = AlertId("errors", "app", Segment.of(service=hostile), ())
    assert view(Active(alert_id, resolved, FIRING)).owner == hostile


def test_what_the_service_says_itself_is_no_template() -> None:
    rule = OwnRule(measure="drift_evidence", above=1, summary="new topic: {{ 7 * 7 }}", runbook="{{ x }}")
    assert words_of(rule, LABELS, FIRING).texts == {"summary": "new topic: {{ 7 * 7 }}"}
    assert of_alert(rule, LABELS) is rule
    assert failures(rule, LABELS, FIRING) == {}


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x' * 1000000000 }}",
        "{{ 2 ** 100000000 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ 'x'.ljust(999999999) }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{{ 'x' | center(999999999) }}",
        "{{ range(10) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ labels.__init__.__globals__ }}",
        "{{ labels.pop('rule') }}",
        "{{ self._TemplateReference__context }}",
        "{% include '/etc/passwd' %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    ],
)
def test_the_sandbox_holds(template: str) -> None:
    words = words_of(a_rule(summary=template), dict(LABELS), FIRING)
    assert list(words.failed) == ["summary"], words.texts
    assert len(words.failed["summary"]) <= 300


def test_what_comes_out_is_bounded() -> None:
    labels = LABELS | {"service": "a" * 1_000_000}
    facts = facts_of_labels(labels)
    assert len(rendered("{{ labels.service }}{{ labels.service }}", facts)) == LONGEST
    loop = "{% for a in labels.service %}{% for b in labels.service %}{{ b }}{% endfor %}{% endfor %}"
    assert len(rendered(loop, facts_of_labels(LABELS))) <= LONGEST


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_written_and_logged_the_alert_is_told(template: str, value: str) -> None:
    labels = LABELS | {"service": value}
    rule = a_rule().model_copy(update={"summary": template, "severity": template, "owner": template})
    resolved = of_alert(rule, labels)
    alert_id = AlertId("errors", "app", Segment.of(service=value), ())
    assert view(Active(alert_id, resolved, FIRING)).summary


def test_numbers_for_people() -> None:
    assert [percent(each) for each in (None, 0.0421, 1.0)] == ["no value", "4.21 %", "100 %"]
    assert [number(each) for each in (None, 0.04213, 12345.6)] == ["no value", "0.04213", "12,346"]
    assert [duration(each) for each in (None, 0.25, 12.34, 300.0, 9000.0)] == [
        "no value",
        "250 ms",
        "12.3 s",
        "5 min",
        "2.5 h",
    ]


def test_the_service_makes_no_rule_whose_words_are_templates() -> None:
    """Words of the service can hold text of calls."""
    files = [path for folder in ("monitor", "alerts") for path in (ROOT / folder).rglob("*.py")]
    assert [path for path in files if re.search(r"(?<![\w.])Rule\(", path.read_text())] == []
