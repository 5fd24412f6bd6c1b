"""A webhook as a receiver: Alertmanager's payload, version 4, signed if there is a secret.

docs/receivers.md says what is in it, and how the other end checks the signature.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from alerts import prometheus_alert, wording
from alerts.http_post import Poster, header, web_address
from alerts.notifier import AlertView, Message, Receipt
from config.receivers import WebhookReceiver

VERSION: Final = "4"
# More are counted in `truncatedAlerts`.
MOST_ALERTS: Final = 500
NOT_ENDED: Final = "0001-01-01T00:00:00Z"  # Go's zero time, as Alertmanager writes it

TIMESTAMP: Final = "X-Watchkeeper-Timestamp"
SIGNATURE: Final = "X-Watchkeeper-Signature"

Json = dict[str, Any]


class WebhookNotifier:
    """Posts every message of a group to one address.

    Raises:
        ValueError: the settings cannot work: an address that is none, a header that cannot be sent.
    """

    kind = "webhook"
    # The other end may be anything: it can tell a repetition by `groupKey` and the fingerprints, but need not.
    deduplicates = False

    def __init__(self, settings: WebhookReceiver) -> None:
        address = web_address(settings.url.get_secret_value(), "url")
        self._poster = Poster("The webhook", address, settings.timeout.total_seconds())
        lines = [line.get_secret_value() for line in settings.headers]
        self._headers = dict(header(line, f"headers[{number}]") for number, line in enumerate(lines))
        secret = settings.signing_secret
        self._secret = None if secret is None else secret.get_secret_value().strip().encode()
        if self._secret == b"":
            raise ValueError("signing_secret is empty")
        self._receiver = settings.receiver
        self._include_text = settings.include_text
        self._group_by = settings.group_by

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Posts the message; there is nothing that later ones need.

        Raises:
            DeliveryError: the other end did not answer 2xx.
        """
        message = message if self._include_text else message.without_texts()
        body = json.dumps(payload(message, self._receiver, self._group_by), ensure_ascii=False).encode()
        self._poster.post(body, {**self._headers, **self._signed(message, body)})
        return Receipt()

    def close(self) -> None:
        """Nothing is held: each request has its own connection."""

    def _signed(self, message: Message, body: bytes) -> Mapping[str, str]:
        if self._secret is None:
            return {}
        timestamp = str(int(message.sent.timestamp()))
        return {TIMESTAMP: timestamp, SIGNATURE: signature(self._secret, timestamp, body)}


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over the timestamp, a full stop and the body as sent."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def payload(message: Message, receiver: str, group_by: list[str] | None) -> Json:
    """The message as Alertmanager (template.Data, webhook version 4) would say it.

    Args:
        message: what to say.
        receiver: its name in the payload.
        group_by: the labels that made the group; None is all of them.
    """
    alerts = [_alert(alert, message) for alert in message.alerts[:MOST_ALERTS]]
    is_firing = any(alert["status"] == "firing" for alert in alerts) and message.action != "resolve"
    return {
        "version": VERSION,
        "groupKey": wording.line(message.key, wording.LONGEST_WORD),
        "truncatedAlerts": max(0, len(message.alerts) - MOST_ALERTS),
        "status": "firing" if is_firing else "resolved",
        "receiver": receiver,
        "groupLabels": _group_labels(message, group_by),
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": prometheus_alert.generator_url(message),
        "alerts": alerts,
    }


def _alert(alert: AlertView, message: Message) -> Json:
    named = prometheus_alert.labels(alert, message)
    is_over = alert.state == "resolved"
    return {
        "status": "resolved" if is_over else "firing",
        "labels": named,
        "annotations": prometheus_alert.annotations(alert, message),
        "startsAt": prometheus_alert.rfc3339(alert.since),
        "endsAt": prometheus_alert.rfc3339(alert.ended or message.at) if is_over else NOT_ENDED,
        "generatorURL": prometheus_alert.generator_url(message),
        "fingerprint": prometheus_alert.fingerprint(named),
    }


def _group_labels(message: Message, group_by: list[str] | None) -> Mapping[str, str]:
    if not message.alerts:
        return {}
    first = message.alerts[0].labels
    names = prometheus_alert.label_names(first)
    chosen = first if group_by is None else [name for name in group_by if name in first]
    return {names[name]: prometheus_alert.label_value(first[name]) for name in chosen if first[name]}


def _common(each: list[dict[str, str]]) -> dict[str, str]:
    """What all of them share."""
    if not each:
        return {}
    return {name: text for name, text in each[0].items() if all(other.get(name) == text for other in each)}
