"""Alertmanager as a receiver: its API v2. Routing, grouping, silences and inhibition are then Alertmanager's.

Alertmanager forgets an alert when its end has come, so each request sets the end some minutes ahead and what fires is
sent again and again (`resend`): the alerts of a service that has died end by themselves.
"""

import json
import logging
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from alerts import prometheus_alert
from alerts.http_post import Poster, web_address
from alerts.notifier import AlertView, DeliveryError, Message, Receipt
from config.receivers import AlertmanagerReceiver

PATH: Final = "/api/v2/alerts"
MOST_AT_ONCE: Final = 256  # alerts in one request, as Prometheus does it

Json = dict[str, Any]

log = logging.getLogger("watchkeeper")


class AlertmanagerNotifier:
    """Sends alerts to every member of a cluster; they tell each other only of silences and of what was sent.

    Raises:
        ValueError: the settings cannot work: an address that is none, credentials that no header can carry.
    """

    kind = "alertmanager"
    deduplicates = True

    def __init__(self, settings: AlertmanagerReceiver) -> None:
        timeout_s = settings.timeout.total_seconds()
        addresses = [web_address(url, f"urls[{number}]") for number, url in enumerate(settings.urls)]
        self._posters = {url: Poster("Alertmanager", url.rstrip("/") + PATH, timeout_s) for url in addresses}
        self._headers = _authorization(settings)
        self._expire = settings.expire
        self._include_text = settings.include_text
        self._failing: frozenset[str] = frozenset()
        self.resend_every = settings.resend

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Sends the alerts of a message; there is nothing that later ones need.

        Raises:
            DeliveryError: no member of the cluster took them.
        """
        told = self._told(message)
        self._post([alert_json(alert, told, self._expire) for alert in told.alerts])
        return Receipt()

    def resend(self, messages: Sequence[Message], now: datetime) -> None:
        """Sends again what fires, with a new end.

        Raises:
            DeliveryError: no member of the cluster took all of it.
        """
        current = [replace(self._told(message), sent_at=now) for message in messages]
        firing = [(alert, each) for each in current for alert in each.alerts if alert.state != "resolved"]
        self._post([alert_json(alert, message, self._expire) for alert, message in firing])

    def close(self) -> None:
        """Nothing is held: each request has its own connection."""

    def _told(self, message: Message) -> Message:
        return message if self._include_text else message.without_texts()

    def _post(self, alerts: Sequence[Json]) -> None:
        starts = range(0, len(alerts), MOST_AT_ONCE) or (0,)
        bodies = [json.dumps(alerts[start : start + MOST_AT_ONCE]).encode() for start in starts]
        with ThreadPoolExecutor(len(self._posters)) as pool:  # one that hangs holds up nobody
            errors = list(pool.map(lambda poster: self._errors(poster, bodies), self._posters.values()))
        self._note([url for url, found in zip(self._posters, errors, strict=True) if found])
        if all(errors):
            found = [error for each in errors for error in each]
            raise next((error for error in found if error.retry), found[0])

    def _errors(self, poster: Poster, bodies: Sequence[bytes]) -> list[DeliveryError]:
        """What one member did not take. One request that it refuses does not keep the others from it."""
        errors = []
        for body in bodies:
            try:
                poster.post(body, self._headers)
            except DeliveryError as error:
                errors.append(error)
                if error.retry:  # it is not there: the rest would wait for nothing
                    break
        return errors

    def _note(self, failing: Sequence[str]) -> None:
        """Logs members that fail while others work, once: that is no failed delivery, but somebody should know."""
        now_failing = frozenset(failing)
        if now_failing != self._failing and 0 < len(now_failing) < len(self._posters):
            log.warning("Alertmanager does not take alerts at %s; others do", ", ".join(sorted(now_failing)))
        self._failing = now_failing


def alert_json(alert: AlertView, message: Message, expire: timedelta) -> Json:
    """An alert as API v2 takes it.

    It ends `expire` after it was sent, or if it is over when that is said: the end must not be before the start, nor
    in the past of an alert that goes on.
    """
    sent = message.sent
    end = sent if alert.state == "resolved" else sent + expire
    source = prometheus_alert.generator_url(message)
    return {
        "labels": prometheus_alert.labels(alert, message),
        "annotations": prometheus_alert.annotations(alert, message),
        "startsAt": prometheus_alert.rfc3339(min(alert.since, sent)),
        "endsAt": prometheus_alert.rfc3339(end),
    } | ({"generatorURL": source} if source else {})


def _authorization(settings: AlertmanagerReceiver) -> Mapping[str, str]:
    if settings.bearer_token is not None:
        token = settings.bearer_token.get_secret_value().strip()
        if not token.isascii() or not token.isprintable():
            raise ValueError("bearer_token must be printable ASCII")
        return {"Authorization": f"Bearer {token}"}
    if settings.username is not None and settings.password is not None:
        pair = f"{settings.username}:{settings.password.get_secret_value()}"
        return {"Authorization": f"Basic {b64encode(pair.encode('utf-8', 'replace')).decode()}"}
    return {}
