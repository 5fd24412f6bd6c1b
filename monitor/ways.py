"""Where a message leads: the pages and the commands that silence its alerts and report on them."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from alerts.grouping import fingerprint
from alerts.notifier import AlertView, Link, Message
from config.settings import Settings
from monitor.drifting import DRIFT
from monitor.house import is_about_texts

SILENCE_PATH = "/silence/{alert}"
SILENCE = "watchkeeper silence add --alert {alert} --for 2h --reason …"
REPORT_PATH = "/reports/new/{alert}"
REPORT = "watchkeeper report --source {source} --to {until:%Y-%m-%dT%H:%MZ}"


def linked(settings: Settings, message: Message) -> Message:
    """The message with how to silence its alerts and to report on them: links to the pages that do it for the first of
    them, where people reach the server, and each alert with what is its own."""
    # What a replay has found is not known to the server.
    base = "" if message.replay else (settings.server.external_url or "").rstrip("/")
    alerts = tuple(_with_ways(settings, base, alert, message.at) for alert in message.alerts)
    reported = next((alert for alert in alerts if alert.report), None)
    silenced = next((alert for alert in alerts if alert.silence), None)
    links = list(message.links)
    if base and reported is not None:
        links.append(Link("Drift report", reported.report))
    if base and silenced is not None:
        href = base + SILENCE_PATH.format(alert=fingerprint(silenced.labels))
        links.append(Link("Silence it" if len(alerts) == 1 else "Silence the first", href))
    return replace(message, alerts=alerts, links=tuple(links))


def _with_ways(settings: Settings, base: str, alert: AlertView, at: datetime) -> AlertView:
    """The alert with the command that silences it, and the page, or else the command, that reports on it."""
    name = fingerprint(alert.labels)
    silence = SILENCE.format(alert=name) if alert.state != "resolved" else ""
    if not is_reported(settings, alert.labels):
        return replace(alert, silence=silence)
    until = (alert.ended or at).astimezone(UTC)
    command = REPORT.format(source=shlex.quote(alert.labels["source"]), until=until)
    return replace(alert, silence=silence, report=base + REPORT_PATH.format(alert=name) if base else command)


def is_reported(settings: Settings, labels: Mapping[str, str]) -> bool:
    """Whether a report says more about an alert: it is about what texts of a source mean."""
    rule = settings.rules.get(labels.get("rule", ""))
    about_texts = labels.get("rule") == DRIFT if rule is None else is_about_texts(rule)
    return about_texts and labels.get("source") in settings.sources
