"""The commented file that `watchkeeper init` writes: made from the settings models, so that it cannot drift."""

from collections.abc import Iterator

from config.alerts import Rule
from config.commented import Part, Writer, comment
from config.conditions import Budget, Burn, Change, Happened, TrafficDrop
from config.criteria import VerdictMeaning
from config.evaluate import Evaluate
from config.golden import ChatApi, Golden
from config.heartbeat import Heartbeat
from config.judge import Judge, JudgeApi, OwnCriterion, Pairs
from config.labels import LabelExport, Labels, Score
from config.receivers import (
    AlertmanagerReceiver,
    AppriseReceiver,
    EmailReceiver,
    PagerDutyReceiver,
    SlackReceiver,
    WebhookReceiver,
)
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

# Of the kinds of a rule one can stand in it.
_KINDS = ("change", "burn", "traffic_drop", "budget", "event")
_LEVELS = ("above", "below", "clear", "fires_on", "over")
_BURN = {
    "windows": [{"long": "1h", "short": "5m", "rate": 14.4}, {"long": "6h", "short": "30m", "rate": 6}],
}


def _except(kind: str) -> tuple[str, ...]:
    return tuple(each for each in _KINDS if each != kind)


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
            hidden=("below", "labels", *_KINDS),
        ),
        Part(
            "slow",
            Rule,
            active=("measure", "labels", "over", "above", "for", "min_calls"),
            values={"measure": "latency_seconds", "over": "15m", "above": 30, "for": "5m", "min_calls": 50},
            hidden=("below", *_KINDS),
        ),
        Part(
            "quiet",
            Rule,
            values={"measure": "calls", "over": "1h", "below": 1, "severity": "error"},
            hidden=("above", *_KINDS),
        ),
        Part(
            "refusals-rise",
            Rule,
            values={
                "measure": "refusal_ratio",
                "over": "1h",
                "above": 2,
                "change": Part("change", Change, hidden=("value",)),
            },
            hidden=("below", *_except("change")),
        ),
        Part(
            "failures-change",
            Rule,
            values={
                "measure": "error_ratio",
                "above": 0.01,
                "change": Part(
                    "change",
                    Change,
                    values={"how": "difference", "value": 0.02},
                    hidden=("ago", "length"),
                ),
            },
            hidden=("below", "over", *_except("change")),
        ),
        Part(
            "burn",
            Rule,
            values={"measure": "error_ratio", "severity": "critical", "burn": Part("burn", Burn, values=_BURN)},
            hidden=(*_LEVELS, *_except("burn")),
        ),
        Part(
            "traffic-drop",
            Rule,
            values={"measure": "calls", "over": "15m", "traffic_drop": Part("traffic_drop", TrafficDrop)},
            hidden=("above", "clear", "fires_on", *_except("traffic_drop")),
        ),
        Part(
            "spending",
            Rule,
            values={"measure": "cost_usd", "budget": Part("budget", Budget)},
            hidden=(*_LEVELS, *_except("budget")),
        ),
        Part(
            "model-changed",
            Rule,
            values={"measure": "events", "severity": "info", "event": Part("event", Happened)},
            hidden=(*_LEVELS, *_except("event")),
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
        Part("teams", AppriseReceiver, values={"kind": "apprise"}),
    ),
}

_ANNOTATED = Part(
    "annotated",
    LabelExport,
    values={
        "scores": (
            Part("helpfulness", Score, hidden=("below",)),
            Part("toxicity", Score, values={"name": "harm", "below": 3}),
        )
    },
)

_JUDGE = Part(
    "judge",
    Judge,
    values={
        "judges": (
            Part(
                "small",
                JudgeApi,
                values={
                    "url": "https://api.openai.com/v1",
                    "model": "gpt-4o-mini",
                    "api_key": "sk-…",
                    "input_usd_per_million": 0.15,
                    "output_usd_per_million": 0.6,
                    "max_tokens": 512,
                },
                hidden=("azure_api_version",),
            ),
            Part(
                "azure",
                JudgeApi,
                values={
                    "url": "https://<resource>.openai.azure.com",
                    "model": "judge",
                    "input_usd_per_million": 0.15,
                    "output_usd_per_million": 0.6,
                    "azure_api_version": "2024-10-21",
                },
            ),
        ),
        "own_criteria": (
            Part(
                "on-brand",
                OwnCriterion,
                values={
                    "verdicts": (
                        Part("ours", VerdictMeaning),
                        Part("foreign", VerdictMeaning, values={"amount": 0, "means": "The voice is another."}),
                    ),
                    "empty": "foreign",
                },
                hidden=("file", "critique_request"),
            ),
            Part(
                "advice",
                OwnCriterion,
                values={"critique_request": "Say where the answer gives legal advice."},
                hidden=("question", "file"),
            ),
            Part(
                "house-style",
                OwnCriterion,
                values={"file": "criteria/house-style.yaml"},
                hidden=("question", "critique_request"),
            ),
        ),
        "pairs": (Part("models", Pairs),),
        "labels": Part("labels", Labels, values={"exports": (_ANNOTATED,)}),
    },
)

_CANDIDATE = {
    "url": "https://api.openai.com/v1",
    "model": "gpt-4.1-mini",
    "api_key": "sk-…",
    "input_usd_per_million": 0.4,
    "output_usd_per_million": 1.6,
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
    heartbeat = Part("heartbeat", Heartbeat)
    evaluate = Part("evaluate", Evaluate, values={"endpoints": (Part("candidate", ChatApi, values=_CANDIDATE),)})
    values = {"golden": golden, "judge": _JUDGE, "evaluate": evaluate, "heartbeat": heartbeat}
    yield from writer.keys(Part("", Settings, values=values, hidden=tuple(_GROUPS)), 0)
