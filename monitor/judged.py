"""The judge as alerts: it does not answer, it cannot be believed, or it flags more than it used to."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from alerts.rules import AlertId
from config.alerts import OwnRule, Rule
from config.settings import Settings
from detectors.measurement import Value

JUDGE_FAILING = "judge_failing"
JUDGE_UNTRUSTED = "judge_untrusted"
JUDGED_WORSE = "judged_worse"
JUDGE_RULES: Final = (JUDGE_FAILING, JUDGE_UNTRUSTED, JUDGED_WORSE)

TRUSTED: Final = 0.75  # a judge that has less of what is known right is not to be believed
_FALLBACK = {
    JUDGE_FAILING: "The judge does not answer: nothing is known of the quality of the answers.",
    JUDGE_UNTRUSTED: "The judge gets wrong what is known: its verdicts are not to be believed.",
    JUDGED_WORSE: "The judge flags more answers than it used to.",
}


@dataclass(frozen=True, slots=True)
class JudgeAlarm:
    """What a built-in rule about the judge reads.

    Attributes:
        value: seconds of failing, the share of what is known that was right, or the evidence of a rise.
        summary: for people; empty when all is well. Never a text of a call.
        exemplars: ids of calls that failed.
    """

    value: Value
    summary: str = ""
    exemplars: tuple[str, ...] = ()


def judge_rule(settings: Settings, alert: AlertId, said: JudgeAlarm | None) -> Rule | None:
    """The rule behind an alert of the judge; None when there is none, or its subject is not configured any more."""
    judge, labels = settings.judge, dict(alert.labels)
    if judge is None or alert.rule not in JUDGE_RULES:
        return None
    voice, criterion = labels.get("judge", ""), labels.get("criterion")
    is_known = voice in judge.judges or (alert.rule == JUDGED_WORSE and alert.source in settings.sources)
    if not is_known or (criterion is not None and criterion not in judge.criteria):
        return None
    condition: dict[str, Any] = {
        JUDGE_FAILING: {"measure": "judge_failing_seconds", "above": settings.health.failing_for.total_seconds()},
        JUDGE_UNTRUSTED: {"measure": "judge_canary_ratio", "below": TRUSTED},
        JUDGED_WORSE: {"measure": "judge_evidence", "above": 1},
    }[alert.rule]
    is_own = alert.rule == JUDGE_FAILING
    return OwnRule(
        **condition,
        fires_on="value",
        severity=settings.health.severity if is_own else judge.severity,
        receiver=settings.health.receiver if is_own else judge.receiver,
        summary=said.summary if said is not None and said.summary else _FALLBACK[alert.rule],
        no_data="keep",
        no_data_cap=timedelta(days=365),
    )
