"""What explains a drift alarm: whole and with intervals, in words below an alert and as the API's answer."""

from datetime import UTC, datetime
from typing import Any

from alerts.rules import AlertId
from config.drift import Drift
from detectors.measurement import Segment
from monitor.drift_details import as_json, details
from monitor.drifting import Alarm, rule_of

TOPIC = {"id": 3, "name": "refund, money", "terms": ["refund", "money", "back"], "exemplars": ["secret words"]}
GROWN = {
    "topic": TOPIC,
    "before": 0.05,
    "now": 0.12,
    "lower": 0.03,
    "upper": 0.11,
    "ratio": 2.4,
    "ratio_lower": 1.6,
    "ratio_upper": None,
    "per_hour_before": 10.0,
    "per_hour": 31.0,
    "p": 0.001,
    "exemplars": ["c1"],
}
FINDINGS: dict[str, Any] = {
    "population": 900,
    "new": [
        {
            "name": "recall, fire",
            "terms": ["recall", "fire"],
            "n": 21,
            "share": 0.105,
            "expected": 0.4,
            "strange": 0.9,
            "exemplars": ["c7", "c8"],
            "per_hour_before": 0.0,
            "per_hour": 21.0,
        }
    ],
    "grown": [GROWN],
    "shrunk": [GROWN | {"now": 0.01, "ratio": 0.2, "ratio_lower": 0.05, "ratio_upper": 0.7}],
    "descriptors": [
        {
            "name": "characters",
            "kind": "number",
            "before": 80.0,
            "now": 240.0,
            "difference": 0.9,
            "lower": 0.7,
            "upper": 1.1,
            "strength": 0.7,
        },
        {
            "name": "de",
            "kind": "language",
            "before": 0.01,
            "now": 0.06,
            "difference": 0.05,
            "lower": 0.02,
            "upper": 0.09,
            "strength": 0.3,
        },
        {"name": "x", "kind": "flag", "before": None, "now": 0.1, "difference": None, "lower": None, "upper": None},
    ],
}
FACTS: dict[str, Any] = {
    "kind": "windows",
    "lead": "scan",
    "channels": ["scan", "novelty"],
    "effects": {name: {"value": 0.05, "lower": 0.02, "minimum": 0.003, "about": None} for name in ("scan", "novelty")},
    "exemplars": ["c7"],
    "segments": [{"column": "prompt_version", "value": "v2", "share": 0.5, "part": 0.94}],
    "evidence": 1.4,
    "findings": FINDINGS,
    "at": 1_700_000_000.0,
}


def alarm(facts: dict[str, Any], stream: str = "prompt") -> Alarm:
    labels = (("baseline", "rolling"), ("channel", facts["lead"]), ("stream", stream))
    alert = AlertId("drift", "chat", Segment(), labels)
    return Alarm(alert, facts, True, datetime.fromtimestamp(facts["at"], UTC))


def test_the_words_below_an_alert_hold_all_that_explains_it_with_how_sure_it_is() -> None:
    said = details(FACTS)
    assert "New topic: recall, fire, 10.5% of the texts (21 of them where 0.4 are usual)" in said
    assert "0 → 21 calls an hour; its words: recall, fire." in said
    assert "Grown: refund, money, 5.0% → 12.0%, 2.4 times as often (1.6 to ∞), 10 → 31 calls an hour." in said
    assert "Shrunk: refund, money, 5.0% → 1.0%, 0.2 times as often (0.05 to 0.7)" in said
    assert "one in ten is expected to be chance" in said
    assert "characters 80 → 240 (+0.9 standard deviations, +0.7 to +1.1)" in said
    assert "de 1.0% → 6.0% (+5 points, +2 to +9)" in said
    assert "Its parts: prompt version v2 94% (50% of the texts)." in said
    assert "secret" not in said


def test_they_are_the_description_of_the_alert() -> None:
    rule = rule_of(Drift(), alarm(FACTS))
    assert rule.description == details(FACTS)
    assert rule_of(Drift(), None).description is None
    assert rule_of(Drift(), alarm(FACTS | {"findings": {}, "segments": []})).description is None


def test_the_answer_of_the_api_holds_the_numbers_and_no_text() -> None:
    found = as_json(FACTS | {"ended": 1_700_086_400.0})
    assert (found["channel"], found["channels"]) == ("scan", ["scan", "novelty"])
    assert (found["raised"], found["ended"]) == ("2023-11-14T22:13:20+00:00", "2023-11-15T22:13:20+00:00")
    assert found["effects"]["scan"]["lower"] == 0.02
    assert found["new"][0]["terms"] == ["recall", "fire"]
    assert found["new"][0]["exemplars"] == ["c7", "c8"]
    (grown,) = found["grown"]
    assert (grown["name"], grown["ratio"], grown["ratio_lower"], grown["p"]) == ("refund, money", 2.4, 1.6, 0.001)
    assert found["segments"][0]["part"] == 0.94
    assert found["descriptors"][0]["upper"] == 1.1
    assert "secret" not in str(found)


def test_an_alarm_of_pairs_says_how_many_responses_stand_out_and_one_of_whole_days_how_far_they_moved() -> None:
    effects = {"stranger": {"value": 0.31, "lower": 0.22, "minimum": 0.1, "about": None}}
    findings = {"population": 900, "responses": {"side": "stranger", "share": 0.12, "exemplars": ["c9"]}}
    facts = FACTS | {"kind": "days", "lead": "days", "channels": ["stranger"], "effects": effects, "findings": findings}
    assert "12.0% of the responses are stranger than 99% of the baseline's, 1% usually." in details(facts)
    said = alarm(facts, "response_given_prompt").summary()
    assert "whole days differ: they lie farther from what was answered to like prompts" in said
    assert "by 0.31 standard deviations, at least 0.22" in said
    assert as_json(facts)["responses"]["share"] == 0.12


def test_names_that_a_log_wrote_stay_on_one_line_and_short() -> None:
    hostile = {"name": "a\n<script>" + "b" * 1_000, "terms": ["\x00"]}
    said = details(FACTS | {"findings": {"new": [FINDINGS["new"][0] | hostile]}})
    assert "\n" not in said
    assert "\x00" not in said
    assert len(said) < 400
