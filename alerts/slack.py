"""Slack as a receiver: a bot token and a channel, whose messages change when the alert does, or an incoming webhook.

The only door to slack_sdk. Its own retries are off: the outbox retries, and must know of every attempt.
"""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookResponse

from alerts.http_errors import delivery_error, failure_of_status
from alerts.notifier import DeliveryError, Failure, Message, Receipt
from alerts.slack_blocks import Block, blocks, fallback, farewell, image_by_url
from alerts.slack_errors import CANNOT_UPDATE, FAILURES
from alerts.slack_picture import REFUSED, Pictures
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

# A chart is not worth more, three times.
LONGEST_PICTURE_S: Final = 5.0

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
        self._include_text = settings.include_text

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Posts, or with a bot token and the refs of the opening message changes it.

        The receipt's refs hold channel and ts of the message that the next one should change: keep the newest. They are
        empty with a webhook, which tells no ts.

        Raises:
            DeliveryError: it was not delivered, or (after a time-out) nobody knows.
        """
        return self._way.send(message if self._include_text else message.without_texts(), refs)

    def close(self) -> None:
        """Nothing is held: each request has its own connection."""


class _Way(Protocol):
    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt: ...


class _Bot:
    def __init__(self, settings: SlackReceiver) -> None:
        assert settings.channel is not None
        self._channel = settings.channel
        timeout_s = settings.timeout.total_seconds()
        self._client = _client(settings, timeout_s)
        uploads = _client(settings, min(timeout_s, LONGEST_PICTURE_S))
        self._pictures = Pictures(partial(_asked, uploads), min(timeout_s, LONGEST_PICTURE_S))

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        channel, ts = refs.get("channel"), refs.get("ts")
        picture = self._pictures.block(message)
        if message.action == "trigger" or not channel or not ts:
            return self._post(message, picture)
        if not self._update(message, picture, channel, ts):
            return self._post(message, picture)
        if message.reminder or message.action in ("resolve", "acknowledge"):  # an edit notifies nobody
            reply = {"thread_ts": ts, "reply_broadcast": message.reminder, "text": farewell(message)}
            _called(self._client.chat_postMessage, channel=channel, **reply, **_PLAIN)
        return Receipt({"channel": channel, "ts": ts})

    def _update(self, message: Message, picture: Block | None, channel: str, ts: str) -> bool:
        """Whether the message could be changed; in any case without a picture that Slack does not take."""
        place = {"channel": channel, "ts": ts, "parse": "none"}
        unless = CANNOT_UPDATE | (REFUSED if picture else frozenset())
        answer = _called(self._client.chat_update, unless, **place, **_content(message, picture))
        if isinstance(answer, str) and answer in REFUSED:
            answer = _called(self._client.chat_update, CANNOT_UPDATE, **place, **_content(message))
        return not isinstance(answer, str)

    def _post(self, message: Message, picture: Block | None) -> Receipt:
        post = partial(_called, self._client.chat_postMessage)
        answer = post(
            REFUSED if picture else frozenset(), channel=self._channel, **_content(message, picture), **_PLAIN
        )
        is_bare = isinstance(answer, str)
        if is_bare:
            answer = post(frozenset(), channel=self._channel, **_content(message), **_PLAIN)
        channel, ts = (None, None) if isinstance(answer, str) else (answer.get("channel"), answer.get("ts"))
        if not isinstance(channel, str) or not isinstance(ts, str):
            # The message is out all the same; the next one on this key is then a new message.
            return Receipt()
        if is_bare:
            self._show(message, picture, channel, ts)
        return Receipt({"channel": channel, "ts": ts})

    def _show(self, message: Message, picture: Block | None, channel: str, ts: str) -> None:
        """Once more, now that Slack may have looked at the file; the message itself is out."""
        with suppress(DeliveryError):
            _called(self._client.chat_update, channel=channel, ts=ts, parse="none", **_content(message, picture))


def _client(settings: SlackReceiver, timeout_s: float) -> WebClient:
    assert settings.token is not None
    client = WebClient(
        token=_sendable(settings.token.get_secret_value()),
        base_url=_web_address(settings.api_url, "api_url"),
        timeout=timeout_s,  # type: ignore[arg-type]  # urllib takes fractions
        logger=_silent(),
        retry_handlers=[],
    )
    # slack_sdk would send everything through the proxy of the environment; urllib also knows NO_PROXY.
    client.proxy = None
    return client


def _asked(client: WebClient, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = _called(client.api_call, frozenset(), method, params=dict(arguments))
    return {} if isinstance(answer, str) or not isinstance(answer.data, dict) else answer.data


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
        self._shows_chart = settings.chart_by_url

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        picture = image_by_url(message) if self._shows_chart else None
        # Slack takes nothing of a message whose image it cannot fetch.
        if picture is not None and not self._post(message, picture):
            picture = None
        if picture is None:
            self._post(message)
        return Receipt()

    def _post(self, message: Message, picture: Block | None = None) -> bool:
        """Whether it was taken; False only where Slack refuses its picture, and an error for everything else."""
        try:
            answer = self._client.send_dict({**_content(message, picture), **_PLAIN})
        except CLIENT_ERRORS as error:
            failure = failure_of(error)
        else:
            said = answer.body.strip()
            if answer.status_code == 200 and said == "ok":
                return True
            if picture is not None and said in REFUSED:
                return False
            failure = _refusal(answer.status_code, said, answer.headers)
        raise failure


_PLAIN: Final[dict[str, Any]] = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


def _content(message: Message, picture: Block | None = None) -> dict[str, Any]:
    return {"text": fallback(message), "blocks": blocks(message, picture)}


def _called(
    method: Callable[..., SlackResponse], unless: frozenset[str] = frozenset(), /, *names: str, **arguments: Any
) -> SlackResponse | str:
    """The answer of one request, or the code of those in `unless` with which Slack refuses it."""
    try:
        answer = method(*names, **arguments)
    except CLIENT_ERRORS as error:
        if isinstance(error, SlackApiError) and (code := _code(error.response)) in unless:
            return code
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
