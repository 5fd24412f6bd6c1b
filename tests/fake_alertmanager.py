"""An Alertmanager that follows the documented rules of API v2, and one login."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fake_http import Answer, FakeHttp, Request

Json = dict[str, Any]

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass
class FakeAlertmanager(FakeHttp):
    """`alerts` is the newest version of every alert, `posts` what each request held."""

    username = "watchkeeper"
    password = "TopSecretOfAlertmanager"
    alerts: dict[tuple[tuple[str, str], ...], Json] = field(default_factory=dict)
    posts: list[list[Json]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.alerts.clear()
        self.posts.clear()

    def firing(self, now: datetime) -> list[str]:
        """The names of the alerts that have not ended."""
        return [
            each["labels"]["alertname"] for each in self.alerts.values() if datetime.fromisoformat(each["endsAt"]) > now
        ]

    def respond(self, request: Request) -> Answer:
        if request.path != "/api/v2/alerts" or request.method != "POST":
            return Answer(404)
        pair = b64encode(f"{self.username}:{self.password}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}":
            return Answer(401, "Unauthorized")
        posted = json.loads(request.body)
        self.posts.append(posted)
        problems = []
        for alert in posted:
            found = _problems(alert)
            problems += found
            if not found:  # good ones are taken even beside bad ones
                self.alerts[tuple(sorted(alert["labels"].items()))] = alert
        return Answer(400, json.dumps("; ".join(problems))) if problems else Answer(200)


def _problems(alert: Json) -> list[str]:
    found = [name for name in alert["labels"] if not LABEL_NAME.fullmatch(name)]
    if not any(alert["labels"].values()):
        found.append("at least one label pair required")
    texts = [*alert["labels"].items(), *alert.get("annotations", {}).items()]
    if not all(isinstance(each, str) and each.encode() is not None for pair in texts for each in pair):
        found.append("a text that is none")
    if datetime.fromisoformat(alert["endsAt"]) < datetime.fromisoformat(alert["startsAt"]):
        found.append("start time must be before end time")
    return found
