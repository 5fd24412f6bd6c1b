"""The only door to the `openai` client: one request to a chat-completions endpoint, sent once.

The client's own retries are off: each try may cost money, and is counted by who asks. What the endpoint says is read
with care, since it may be anything.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import openai
from openai import AzureOpenAI, DefaultHttpxClient, Omit, OpenAI

from config.judge import JudgeApi
from detectors.endpoint import retry_after
from detectors.judge.forms import Form

TOP_LOGPROBS: Final = 5  # as many as every endpoint gives that gives any
_NO_KEY: Final = "unset"
_NO_CREDIT: Final = ("insufficient_quota", "billing_hard_limit_reached")
_LONGEST_ANSWER: Final = 8_000_000  # bytes that are read as JSON

# The documented words of an error. Its message may quote the text or the key, and is never shown.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")

# Its lines quote whole requests when logging is set to debug.
logging.getLogger("openai").setLevel(logging.WARNING)


class Failure(StrEnum):
    """Why there is no answer."""

    BUSY = "busy"  # it asks to slow down
    TIMEOUT = "timeout"  # it did not answer in time
    UNREACHABLE = "unreachable"  # nobody answers, or the connection broke
    BROKEN = "broken"  # 5xx, or an answer that is none
    AUTH = "auth"  # the key is not accepted
    UNKNOWN = "unknown"  # no such model or address
    NO_CREDIT = "no_credit"  # the account has no money left
    REJECTED = "rejected"  # this one request is refused


TEMPORARY: Final = frozenset({Failure.BUSY, Failure.TIMEOUT, Failure.UNREACHABLE, Failure.BROKEN})
FOR_ALL: Final = frozenset({Failure.AUTH, Failure.UNKNOWN, Failure.NO_CREDIT})

_MEANINGS: Final[dict[int, tuple[Failure, str]]] = {
    401: (Failure.AUTH, "does not accept the api_key"),
    402: (Failure.NO_CREDIT, "has no credit left for this api_key"),
    403: (Failure.AUTH, "does not let this api_key use the model"),
    404: (Failure.UNKNOWN, "does not know the model, or the url is wrong"),
    408: (Failure.TIMEOUT, "did not answer in time"),
    409: (Failure.BUSY, "asks to come again"),
    425: (Failure.BUSY, "asks to come again"),
    429: (Failure.BUSY, "asks to slow down"),
}


class JudgeError(Exception):
    """There is no answer; the message says why, and never quotes a text or a key.

    Attributes:
        failure: the reason.
        unsure: whether the request may have been worked on, and paid for, all the same.
        wait_s: how long the endpoint wants to be left alone; None if it does not say.
        words: type, code and parameter of its error, as it names them.
    """

    def __init__(self, failure: Failure, message: str, *, unsure: bool = False) -> None:
        super().__init__(message)
        self.failure = failure
        self.unsure = unsure
        self.wait_s: float | None = None
        self.words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer, and the likeliest ones at its place with their natural log probabilities."""

    text: str
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """What an endpoint answered.

    Attributes:
        text: what it said; empty when it said nothing.
        refused: whether it refuses to answer, or a filter took the answer away.
        cut: whether the answer reached its longest length.
        tokens: with their probabilities; empty where the endpoint gives none.
        used: tokens sent and answered, as it counts them; None when it does not say.
        model: what it calls itself.
    """

    text: str = field(repr=False)
    refused: bool = False
    cut: bool = False
    tokens: tuple[Token, ...] = field(default=(), repr=False)
    used: tuple[int, int] | None = None
    model: str = ""


class ChatDoor:
    """One model behind an endpoint.

    Raises:
        ValueError: no header can carry the key.
    """

    def __init__(self, settings: JudgeApi) -> None:
        self._settings = settings
        self._client = _client(settings)

    def send(self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], form: Form) -> Completion:
        """Sends one request, once.

        Raises:
            JudgeError: there is no answer.
        """
        body = self._body(messages, schema, form)
        try:
            raw = self._client.chat.completions.with_raw_response.create(**body)
            content = raw.http_response.content
        except openai.APIStatusError as error:
            raise _refusal(error) from None
        except openai.APITimeoutError:
            raise JudgeError(Failure.TIMEOUT, "the judge did not answer in time", unsure=True) from None
        except openai.APIConnectionError as error:
            never_sent = type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout", "UnsupportedProtocol")
            what = f"the judge cannot be reached ({type(error.__cause__).__name__})"
            raise JudgeError(Failure.UNREACHABLE, what, unsure=not never_sent) from None
        except openai.OpenAIError as error:
            what = f"the judge gave no answer that can be read ({type(error).__name__})"
            raise JudgeError(Failure.BROKEN, what, unsure=True) from None
        return _completion(content)

    def _body(self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], form: Form) -> dict[str, Any]:
        settings = self._settings
        body: dict[str, Any] = {"model": settings.model, "messages": list(messages), "extra_body": settings.params}
        if settings.api_key is None:
            body["extra_headers"] = {"Authorization": Omit()}
        if "max_completion_tokens" not in settings.params:
            body[form.limit] = settings.max_tokens
        if form.temperature and settings.temperature is not None:
            body["temperature"] = settings.temperature
        if form.logprobs:
            body |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        if form.kind == "json_schema":
            named = {"name": "verdict", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        elif form.kind == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body


def _client(settings: JudgeApi) -> OpenAI:
    key = settings.api_key.get_secret_value().strip() if settings.api_key is not None else ""
    if not key.isascii() or not (key.isprintable() or not key):
        raise ValueError("the api_key holds characters that no header can carry")
    # What the environment says of OpenAI belongs to other programs, and a redirect would send texts somewhere else.
    headers: dict[str, Any] = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
    timeout = settings.timeout.total_seconds()
    http = DefaultHttpxClient(follow_redirects=False, timeout=timeout)
    if settings.azure_api_version is None:
        return OpenAI(
            base_url=settings.url,
            api_key=key or _NO_KEY,
            default_headers=headers,
            timeout=timeout,
            max_retries=0,
            http_client=http,
        )
    return AzureOpenAI(
        azure_endpoint=settings.url,
        api_version=settings.azure_api_version,
        api_key=key or _NO_KEY,
        default_headers=headers,
        timeout=timeout,
        max_retries=0,
        http_client=http,
    )


def _refusal(error: openai.APIStatusError) -> JudgeError:
    status = error.status_code
    found = (error.type, error.code, error.param)
    words = tuple(each for each in found if isinstance(each, str) and _WORD.fullmatch(each))
    failure, meaning = _MEANINGS.get(status, (Failure.REJECTED, "refuses the request"))
    if status >= 500:
        failure, meaning = Failure.BROKEN, "is broken at the moment"
    if any(word in _NO_CREDIT for word in words):
        failure, meaning = _MEANINGS[402]
    what = f"the judge {meaning} ({', '.join([f'HTTP {status}', *words])})"
    refusal = JudgeError(failure, what)
    refusal.wait_s, refusal.words = retry_after(error.response.headers), words
    return refusal


def _completion(content: bytes) -> Completion:
    if len(content) > _LONGEST_ANSWER:
        raise JudgeError(Failure.BROKEN, "the judge answered with more than can be read", unsure=True)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(body, dict) or not isinstance(choice, dict) or not isinstance(message, dict):
        raise JudgeError(Failure.BROKEN, "the judge answered with no text that can be read", unsure=True)
    text, model = message.get("content"), body.get("model")
    return Completion(
        text=text if isinstance(text, str) else "",
        refused=bool(message.get("refusal")) or choice.get("finish_reason") == "content_filter",
        cut=choice.get("finish_reason") == "length",
        tokens=_tokens(choice.get("logprobs")),
        used=_used(body.get("usage")),
        model=model[:128] if isinstance(model, str) else "",
    )


def _used(usage: Any) -> tuple[int, int] | None:
    found = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")] if isinstance(usage, dict) else []
    counts = [each for each in found if type(each) is int and 0 <= each < 10**9]
    return (counts[0], counts[1]) if len(counts) == 2 else None


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return tuple(_token(each) for each in content if isinstance(each, dict)) if isinstance(content, list) else ()


def _token(each: Mapping[str, Any]) -> Token:
    top = each.get("top_logprobs")
    found = [
        (one["token"], float(one["logprob"]))
        for one in (top if isinstance(top, list) else [])
        if isinstance(one, dict) and isinstance(one.get("token"), str) and type(one.get("logprob")) in (int, float)
    ]
    text = each.get("token")
    return Token(text if isinstance(text, str) else "", tuple(found))
