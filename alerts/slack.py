"""Slack as a receiver: a bot token and a channel, whose messages change when the alert does, or an incoming webhook.

The only door to slack_sdk. Its own retries are off: the outbox retries, and must know of every attempt.
"""

import logging
import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookResponse

from alerts.http_errors import delivery_error, failure_of_status
from alerts.notifier import DeliveryError, Failure, Message, Receipt
from alerts.slack_blocks import blocks, fallback, farewell
from alerts.slack_errors import CANNOT_UPDATE, FAILURES
from config.receivers import SlackReceiver

# What the two clients raise: their own classes, urllib's and http.client's, and what answers that are no Slack answers
# make of them (a wrong charset, JSON that is no object, JSON too deep to read).
CLIENT_ERRORS: Final = (
    SlackClientError,
    OSError,
    HTTPException,
    ValueError,
    LookupError,
    AttributeError,
    RecursionError,
)

_CODE = re.compile(r"[a-z][a-z_]{0,63}")


class SlackNotifier:
    """Sends to one Slack channel.

    Raises:
        ValueError: the settings cannot work: a URL that is none, a token that no header can carry.
    """

    kind = "slack"
    deduplicates = False

    def __init__(self, settings: SlackReceiver) -> None:
        self._way: _Way = _Webhook(settings) if settings.webhook_url is not None else _Bot(settings)

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Posts, or with a bot token and the refs of the opening message changes it.

        The receipt's refs hold channel and ts of the message that the next one should change: keep the newest. They are
        empty with a webhook, which tells no ts.

        Raises:
            DeliveryError: it was not delivered, or (after a time-out) nobody knows.
        """
        return self._way.send(message, refs)

    def close(self) -> None:
        """Nothing is held: each request has its own connection."""


class _Way(Protocol):
    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt: ...


class _Bot:
    def __init__(self, settings: SlackReceiver) -> None:
        assert settings.token is not None
        assert settings.channel is not None
        self._channel = settings.channel
        self._client = WebClient(
            token=_sendable(settings.token.get_secret_value()),
            base_url=_web_address(settings.api_url, "api_url"),
            timeout=settings.timeout.total_seconds(),  # type: ignore[arg-type]  # urllib takes fractions
            logger=_silent(),
            retry_handlers=[],
        )
        # slack_sdk would send everything through the proxy of the environment; urllib also knows NO_PROXY.
        self._client.proxy = None

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        channel, ts = refs.get("channel"), refs.get("ts")
        if message.action == "trigger" or not channel or not ts:
            return self._post(message)
        updated = _called(
            self._client.chat_update, CANNOT_UPDATE, channel=channel, ts=ts, parse="none", **_content(message)
        )
        if updated is None:
            return self._post(message)
        if message.action == "resolve":
            _called(self._client.chat_postMessage, channel=channel, thread_ts=ts, text=farewell(message), **_PLAIN)
        return Receipt({"channel": channel, "ts": ts})

    def _post(self, message: Message) -> Receipt:
        answer = _called(self._client.chat_postMessage, channel=self._channel, **_content(message), **_PLAIN)
        assert answer is not None
        channel, ts = answer.get("channel"), answer.get("ts")
        # Without them the message is out all the same; the next one on this key is then a new message.
        return Receipt({"channel": channel, "ts": ts} if isinstance(channel, str) and isinstance(ts, str) else {})


class _Webhook:
    def __init__(self, settings: SlackReceiver) -> None:
        assert settings.webhook_url is not None
        self._client = WebhookClient(
            url=_web_address(settings.webhook_url.get_secret_value().strip(), "webhook_url"),
            timeout=settings.timeout.total_seconds(),  # type: ignore[arg-type]  # urllib takes fractions
            logger=_silent(),
            retry_handlers=[],
        )
        self._client.proxy = None

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        body = {**_content(message), **_PLAIN}
        try:
            answer = self._client.send_dict(body)
        except CLIENT_ERRORS as error:
            failure = failure_of(error)
        else:
            if answer.status_code == 200 and answer.body.strip() == "ok":
                return Receipt()
            failure = _refusal(answer.status_code, answer.body.strip(), answer.headers)
        raise failure


_PLAIN: Final[dict[str, Any]] = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


def _content(message: Message) -> dict[str, Any]:
    return {"text": fallback(message), "blocks": blocks(message)}


def _called(
    method: Callable[..., SlackResponse], unless: frozenset[str] = frozenset(), /, **arguments: Any
) -> SlackResponse | None:
    """The answer of one request, or None if Slack refuses it with one of the codes in `unless`."""
    try:
        answer = method(**arguments)
    except CLIENT_ERRORS as error:
        if isinstance(error, SlackApiError) and _code(error.response) in unless:
            return None
        failure = failure_of(error)
    else:
        if isinstance(answer.data, dict):
            return answer
        failure = delivery_error("Slack", Failure.UNEXPECTED, "an answer in binary")
    # Outside of `except`: the client's own error, which may quote the token or the URL, is not chained to it.
    raise failure


def failure_of(error: Exception) -> DeliveryError:
    """What an error of the clients means; its text is dropped, it can hold the token, the URL or the message."""
    if isinstance(error, SlackApiError):
        response: SlackResponse | WebhookResponse = error.response
        return _refusal(response.status_code, _code(response), response.headers)
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return delivery_error("Slack", Failure.TIMEOUT, "no answer within the receiver's timeout")
    failure = Failure.UNREACHABLE if isinstance(error, OSError) else Failure.UNEXPECTED
    return delivery_error("Slack", failure, type(error).__name__)


def _refusal(status: int, code: str, headers: Mapping[str, str]) -> DeliveryError:
    """The meaning of an answer: the Web API says what is wrong in a code with HTTP 200, webhooks in both."""
    known = FAILURES.get(code)
    by_status = failure_of_status(status)
    failure = (
        known if known is not None and by_status not in (Failure.RATE_LIMITED, Failure.SERVER_ERROR) else by_status
    )
    said = f"HTTP {status}, {code}" if _CODE.fullmatch(code) else f"HTTP {status}"
    return delivery_error("Slack", failure, said, headers)


def _code(response: Any) -> str:
    code = response.get("error") if isinstance(response.data, dict) else None
    return code if isinstance(code, str) else ""


def _silent() -> logging.Logger:
    """A logger outside of the tree: slack_sdk logs webhook URLs and message bodies."""
    return logging.Logger("slack_sdk, silent", level=logging.CRITICAL + 1)


def _sendable(token: str) -> str:
    token = token.strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise ValueError("token must be printable ASCII without spaces, such as xoxb-…")
    return token


def _web_address(url: str, key: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[!-~]+", url):
        raise ValueError(f"{key} must be a web address that begins with https://")
    return url
