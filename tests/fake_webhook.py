"""The other end of a webhook: what consumers of Alertmanager's payload, version 4, rely on, and our signature."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fake_http import Answer, FakeHttp, Request

Json = dict[str, Any]

TEXTS = ("version", "groupKey", "status", "receiver", "externalURL")
MAPS = ("groupLabels", "commonLabels", "commonAnnotations")
ALERT_TEXTS = ("status", "startsAt", "endsAt", "generatorURL", "fingerprint")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass
class FakeWebhook(FakeHttp):
    """Takes what is well formed, signed with its secret and sent with its token."""

    secret = "TopSecretOfTheSignature"
    token = "Bearer TopSecretOfTheHeader"
    path = "/hook/TopSecretOfTheAddress"
    payloads: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.payloads.clear()

    def respond(self, request: Request) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if request.path != self.path:
            return Answer(404)
        if headers.get("authorization") != self.token or not self.is_genuine(headers, request.body):
            return Answer(401)
        payload = json.loads(request.body)
        problems = [*payload_problems(payload)]
        if problems:
            return Answer(400, "; ".join(problems))
        self.payloads.append(payload)
        return Answer(200, "thank you")

    def is_genuine(self, headers: dict[str, str], body: bytes) -> bool:
        """As docs/receivers.md tells a reader to do it."""
        signed = headers.get("x-watchkeeper-timestamp", "").encode() + b"." + body
        expected = "sha256=" + hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, headers.get("x-watchkeeper-signature", ""))


def payload_problems(payload: Json) -> list[str]:
    """What a consumer would stumble over."""
    found = [name for name in TEXTS if not isinstance(payload.get(name), str)]
    found += [name for name in MAPS if not _is_texts(payload.get(name))]
    if payload.get("version") != "4" or payload.get("status") not in ("firing", "resolved"):
        found.append("version or status")
    if not isinstance(payload.get("truncatedAlerts"), int):
        found.append("truncatedAlerts")
    for alert in payload.get("alerts", [None]):
        found += alert_problems(alert)
    return found


def alert_problems(alert: Json) -> list[str]:
    """The same of one alert."""
    found = [name for name in ALERT_TEXTS if not isinstance(alert.get(name), str)]
    found += [name for name in ("labels", "annotations") if not _is_texts(alert.get(name))]
    found += [name for name in alert["labels"] if not LABEL_NAME.fullmatch(name)]
    if not alert["labels"].get("alertname") or not all(alert["labels"].values()):
        found.append("labels")
    if not re.fullmatch("[0-9a-f]{16}", alert["fingerprint"]):
        found.append("fingerprint")
    for name in ("startsAt", "endsAt"):
        datetime.fromisoformat(alert[name])
    return found


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for pair in value.items() for each in pair)
