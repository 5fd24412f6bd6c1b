"""A PagerDuty that follows the documented rules of Events API v2, with the state of every incident."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from fake_http import Answer, FakeHttp, Request

LONGEST_SUMMARY = 1024
LONGEST_DEDUP_KEY = 255
MOST_BYTES = 512_000
SEVERITIES = ("critical", "warning", "error", "info")

Json = dict[str, Any]


@dataclass
class Incident:
    """One incident. `events` are all trigger events that it took, the newest last."""

    routing_key: str
    dedup_key: str
    events: list[Json]
    status: Literal["triggered", "acknowledged", "resolved"] = "triggered"


@dataclass
class FakePagerDuty(FakeHttp):
    """One account. `known_keys` are its integrations; None takes every key of 32 characters."""

    known_keys: set[str] | None = None
    incidents: list[Incident] = field(default_factory=list)
    dropped: list[Json] = field(default_factory=list)  # accepted, and without any effect
    changes: list[Json] = field(default_factory=list)  # they open nothing

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def open_incidents(self) -> list[Incident]:
        """Those that are not resolved; a person may have acknowledged them."""
        return [incident for incident in self.incidents if incident.status != "resolved"]

    def reset(self) -> None:
        super().reset()
        self.incidents.clear()
        self.dropped.clear()
        self.changes.clear()

    def respond(self, request: Request) -> Answer:
        if request.path not in ("/v2/enqueue", "/v2/change/enqueue") or request.method != "POST":
            return Answer(404, "")
        try:
            event = json.loads(request.body)
        except ValueError:
            return _refused(["Event object is not valid JSON"])
        if request.path == "/v2/change/enqueue":
            return self._change(event, len(request.body))
        errors = self._errors(event, len(request.body))
        if errors:
            return _refused(errors)
        dedup_key = event.get("dedup_key") or f"made-by-pagerduty-{len(self.requests)}"
        self._apply(event["event_action"], event["routing_key"], dedup_key, event)
        return _json(202, {"status": "success", "message": "Event processed", "dedup_key": dedup_key})

    def _change(self, event: Json, size: int) -> Answer:
        payload = event.get("payload") or {}
        errors = self._key_errors(event.get("routing_key"))
        errors += [] if payload.get("summary") else ["'payload.summary' is missing or blank"]
        errors += ["Event object is larger than 512 KB"] if size > MOST_BYTES else []
        if errors:
            return _refused(errors)
        self.changes.append(event)
        return _json(202, {"status": "success", "message": "Change event processed"})

    def _apply(self, action: str, routing_key: str, dedup_key: str, event: Json) -> None:
        found = [each for each in self.open_incidents if (each.routing_key, each.dedup_key) == (routing_key, dedup_key)]
        if action == "trigger" and found:
            found[0].events.append(event)
        elif action == "trigger":
            self.incidents.append(Incident(routing_key, dedup_key, [event]))
        elif found:
            found[0].status = "resolved" if action == "resolve" else "acknowledged"
        else:
            self.dropped.append(event)

    def _errors(self, event: Json, size: int) -> list[str]:
        if size > MOST_BYTES:
            return ["Event object is larger than 512 KB"]
        errors = self._key_errors(event.get("routing_key"))
        action = event.get("event_action")
        if action not in ("trigger", "acknowledge", "resolve"):
            errors.append("'event_action' is missing or invalid (must be 'trigger', 'acknowledge' or 'resolve')")
        dedup_key = event.get("dedup_key")
        if action != "trigger" and not dedup_key:
            errors.append("'dedup_key' is missing or blank")
        if isinstance(dedup_key, str) and len(dedup_key) > LONGEST_DEDUP_KEY:
            errors.append("'dedup_key' is too long (maximum is 255 characters)")
        if action == "trigger":
            errors += _payload_errors(event.get("payload") or {}) + _image_errors(event.get("images", []))
        return errors

    def _key_errors(self, key: object) -> list[str]:
        if not isinstance(key, str) or not key:
            return ["'routing_key' is missing or blank"]
        if len(key) != 32:
            return ["Length of 'routing_key' is incorrect (should be 32 characters)"]
        return [] if self.known_keys is None or key in self.known_keys else ["'routing_key' is not an integration"]


def _payload_errors(payload: Json) -> list[str]:
    errors = [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not payload.get(name)]
    if len(str(payload.get("summary", ""))) > LONGEST_SUMMARY:
        errors.append("'payload.summary' is too long (maximum is 1024 characters)")
    if payload.get("severity") not in SEVERITIES:
        errors.append(f"'payload.severity' is invalid (must be one of the following: {', '.join(SEVERITIES)})")
    if not isinstance(payload.get("custom_details", {}), dict):
        errors.append("'payload.custom_details' is not an object")
    return errors


def _image_errors(images: list[Json]) -> list[str]:
    return [] if all(each.get("src", "").startswith("https://") for each in images) else ["'images.src' is not https"]


def _refused(errors: list[str]) -> Answer:
    return _json(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})


def _json(status: int, body: Json) -> Answer:
    return Answer(status, json.dumps(body), {"Content-Type": "application/json"})
