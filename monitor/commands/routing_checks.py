"""Checks the routing against the labels that alerts have, and receivers against what they show: a matcher on a label
that none has never fits, and a chart without an address is never seen."""

from collections.abc import Iterator

from config.calls import GROUPING_COLUMNS
from config.matchers import parse_matcher
from config.problems import Finding
from config.settings import Settings
from config.words import choose, shown
from detectors.catalogue import BY_NAME
from detectors.golden import GOLDEN_BY_NAME
from detectors.judge_catalogue import JUDGED_BY_NAME
from detectors.text_catalogue import TEXTS_BY_NAME
from monitor.commands.rule_checks import ALERT_LABELS

# Labels of alerts of built-in rules that no measurement has.
BUILT_IN = ("receiver", "asked_model", "baseline", "channel", "stream")


def routing_doubts(settings: Settings) -> Iterator[Finding]:
    """Labels that rules of inhibition name and no alert has; allowed, since a missing label is an empty one."""
    measured = (spec for specs in (BY_NAME, TEXTS_BY_NAME, GOLDEN_BY_NAME, JUDGED_BY_NAME) for spec in specs.values())
    labels = {*ALERT_LABELS, *GROUPING_COLUMNS, *BUILT_IN, *(label for spec in measured for label, _ in spec.labels)}
    for number, rule in enumerate(settings.routing.inhibit):
        named = {
            "source": [parse_matcher(text).name for text in rule.source],
            "target": [parse_matcher(text).name for text in rule.target],
            "equal": rule.equal,
        }
        for key, names in named.items():
            for place, name in enumerate(names):
                if name not in labels:
                    path = ("routing", "inhibit", number, key, place)
                    yield Finding(path, f"alerts have no label {shown(name)}", choose(name, sorted(labels)))


def chart_doubts(settings: Settings) -> Iterator[Finding]:
    """Receivers that show charts by an address that there is not."""
    for name, receiver in settings.receivers.items():
        is_reached = (settings.server.external_url or "").startswith("https://")
        if receiver.kind == "slack" and receiver.chart_by_url and not is_reached:
            hint = "set server.external_url to the address, beginning with https://, by which Slack reaches the service"
            yield Finding(("receivers", name, "chart_by_url"), "its charts have no address", hint)
