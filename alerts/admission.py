"""How many segments of a rule may fire at once: the worst first, and nobody is left out unsaid."""

from collections.abc import Mapping
from dataclasses import replace

from alerts.conditions import levels
from alerts.rules import ACTIVE, Alert, AlertId, Step
from config.alerts import Rule


def admitted(
    rule: Rule, steps: Mapping[AlertId, Step], alerts: Mapping[AlertId, Alert]
) -> dict[AlertId, tuple[Step, bool]]:
    """The steps of a rule's alerts on a source, of which at most `max_alerts` fire; and whether each was left out.

    What fires already stays. Of those that begin, the ones farthest past their level come first; one that is left out
    stays what it was and is tried again in the next window. Those that fire say how many were left out.
    """
    firing = [each for each, after in steps.items() if after.alert.state in ACTIVE]
    new = [each for each in firing if alerts.get(each, Alert()).state not in ACTIVE]
    room = max(0, rule.max_alerts - (len(firing) - len(new)))
    left_out = set(sorted(new, key=lambda each: (-_badness(rule, steps[each].alert), each))[room:])
    if not left_out:
        return {each: (after, False) for each, after in steps.items()}
    more = f"{len(left_out)} more are over it and left out (max_alerts is {rule.max_alerts})"
    told = {}
    for each, after in steps.items():
        if each in left_out:
            before = alerts.get(each, Alert())
            told[each] = (Step(replace(before, read_until=after.alert.read_until), None), True)
        elif after.alert.state in ACTIVE:
            said = "; ".join(part for part in (after.alert.said, more) if part)
            told[each] = (after._replace(alert=replace(after.alert, said=said)), False)
        else:
            told[each] = (after, False)
    return told


def _badness(rule: Rule, alert: Alert) -> float:
    """How far past its level an alert is, in units of the measurement; one without a value comes last."""
    value = alert.value.value if alert.value is not None and not alert.reason else None
    if value is None:
        return float("-inf")
    is_low = levels(rule)[0] is None and rule.kind not in ("burn", "event")
    return -value if is_low else value
