"""The commented file that `watchkeeper init` writes: made from the settings models, so that it cannot drift."""

from collections.abc import Iterator

from config.alerts import Rule
from config.commented import Part, Writer, comment
from config.golden import ChatApi, Golden
from config.receivers import AlertmanagerReceiver, EmailReceiver, PagerDutyReceiver, SlackReceiver, WebhookReceiver
from config.settings import Settings
from config.sources.files import FilesFeedback, FilesSource
from config.sources.table import TableFeedback, TableSource

_HEAD = """\
# Watchkeeper's configuration.
#
# A `#` directly before a key turns a setting off: take it away to use the setting. What stands there is the default, or
# an example where there is none. `watchkeeper check` shows everything that is wrong with this file.
#
# Durations are written 30s, 5m, 1h30m or 28d. Every key can also be set by an environment variable, which then wins:
# `server.port` by WATCHKEEPER__SERVER__PORT, `receivers.oncall.routing_key` by
# WATCHKEEPER__RECEIVERS__ONCALL__ROUTING_KEY, or by WATCHKEEPER__RECEIVERS__ONCALL__ROUTING_KEY_FILE with the path of a
# file that holds the secret. Lists are written ["a", "b"] there, and an empty variable counts as unset.
#
# Editors complete and check the keys after `watchkeeper schema > watchkeeper.schema.json`, with a first line of
# "yaml-language-server: $schema=watchkeeper.schema.json" behind a # and a space.
"""

_GROUPS: dict[str, tuple[Part, ...]] = {
    "sources": (
        Part(
            "app",
            FilesSource,
            active=("kind", "paths"),
            values={"kind": "files", "feedback": Part("feedback", FilesFeedback)},
        ),
        Part(
            "database",
            TableSource,
            values={"kind": "table", "feedback": Part("feedback", TableFeedback, hidden=("query",))},
            hidden=("query",),
        ),
        Part(
            "warehouse",
            TableSource,
            values={
                "kind": "table",
                "url": "duckdb:///data/calls.duckdb",
                "query": "SELECT * FROM calls WHERE NOT is_test",
                "feedback": Part("feedback", TableFeedback, hidden=("table",)),
            },
            hidden=("table",),
        ),
    ),
    "rules": (
        Part(
            "errors",
            Rule,
            active=("measure", "over", "above", "clear", "for", "min_calls", "severity"),
            values={"measure": "error_ratio", "for": "2m", "min_calls": 20, "severity": "critical"},
            hidden=("below", "labels"),
        ),
        Part(
            "slow",
            Rule,
            active=("measure", "labels", "over", "above", "for", "min_calls"),
            values={"measure": "latency_seconds", "over": "15m", "above": 30, "for": "5m", "min_calls": 50},
            hidden=("below",),
        ),
        Part(
            "quiet",
            Rule,
            values={"measure": "calls", "over": "1h", "below": 1, "severity": "error"},
            hidden=("above",),
        ),
    ),
    "receivers": (
        Part("slack", SlackReceiver, values={"kind": "slack", "token": "xoxb-…"}, hidden=("webhook_url",)),
        Part("slack-webhook", SlackReceiver, values={"kind": "slack"}, hidden=("token", "channel")),
        Part("oncall", PagerDutyReceiver, values={"kind": "pagerduty"}),
        Part("webhook", WebhookReceiver, values={"kind": "webhook"}),
        Part("alertmanager", AlertmanagerReceiver, values={"kind": "alertmanager"}, hidden=("bearer_token",)),
        Part(
            "alertmanager-token",
            AlertmanagerReceiver,
            values={"kind": "alertmanager", "urls": ["http://alertmanager:9093"], "bearer_token": "…"},
            hidden=("username", "password"),
        ),
        Part("mail", EmailReceiver, values={"kind": "email"}),
    ),
}


def template() -> str:
    """The file: a small configuration that works, and every other setting commented out under its description.

    Taking away each `#` that stands directly before a key gives a valid configuration too.
    """
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD.rstrip("\n")
    writer = Writer()
    for key, parts in _GROUPS.items():
        yield ""
        yield from comment(Settings.model_fields[key].description or "", 0)
        yield f"{'' if any(part.active for part in parts) else '#'}{key}:"
        for number, part in enumerate(parts):
            if number:
                yield ""
            yield from writer.part(part, 1)
    yield ""
    golden = Part("golden", Golden, values={"endpoint": Part("endpoint", ChatApi)})
    yield from writer.keys(Part("", Settings, values={"golden": golden}, hidden=tuple(_GROUPS)), 0)
