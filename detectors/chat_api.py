"""Answers from an OpenAI-compatible endpoint: POST <url>/chat/completions, and what each has cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from config.golden import ChatApi
from detectors.endpoint import Endpoint, EndpointError, Pause, headers, json_of
from detectors.price import Messages, most_usd, tokens_usd


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said, what it calls itself, and what it costs; `__repr__` leaves the text out."""

    text: str
    usd: float
    model: str = ""
    fingerprint: str = ""

    def __repr__(self) -> str:
        return f"Answer(usd={self.usd}, model={self.model!r})"


class ChatEndpoint:
    """One model behind HTTP.

    Args:
        settings: where, and what it charges.
        pause: called with the seconds to wait before a request is sent again.

    Raises:
        ValueError: no header can carry the key.
    """

    def __init__(self, settings: ChatApi, pause: Pause) -> None:
        self._settings = settings
        self._headers = headers(settings.api_key)
        self._endpoint = Endpoint("the endpoint", f"{settings.url}/chat/completions", pause, after_timeout=False)

    def worst_usd(self, messages: Messages) -> float:
        """The most that an answer can cost; see `detectors.price.most_usd`."""
        return most_usd(self._settings, messages)

    def ask(self, messages: Messages) -> Answer:
        """One answer.

        Raises:
            EndpointError: the endpoint refuses, cannot be reached after some tries, or answers nonsense.
        """
        with httpx.Client(headers=self._headers, timeout=self._settings.timeout.total_seconds()) as client:
            answer = self._endpoint.post(client, self._body(messages))
        if answer.status_code != HTTPStatus.OK:
            raise self._endpoint.refusal(answer)
        body = json_of(answer)
        text = _text(body)
        if text is None:
            raise EndpointError("the endpoint answered with no text that can be read", unsure=True)
        return Answer(text, self._paid(body, messages), _word(body, "model"), _word(body, "system_fingerprint"))

    def _body(self, messages: Messages) -> dict[str, Any]:
        settings = self._settings
        body: dict[str, Any] = {"model": settings.model, "messages": list(messages)} | settings.params
        if "max_completion_tokens" not in settings.params:
            body["max_tokens"] = settings.max_tokens
        if settings.temperature is not None:
            body["temperature"] = settings.temperature
        return body

    def _paid(self, body: Mapping[str, Any], messages: Messages) -> float:
        """By the usage that the answer tells; without one the most that it can have cost."""
        usage = body.get("usage")
        found = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")] if isinstance(usage, dict) else []
        counts = [each for each in found if type(each) is int and 0 <= each < 10**9]
        return tokens_usd(self._settings, *counts) if len(counts) == 2 else self.worst_usd(messages)


def _text(body: Any) -> str | None:
    """The text of the first choice, or its refusal; empty when it says nothing, None when the answer has no choice."""
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict):
        return None
    found = [message.get(name) for name in ("content", "refusal")]
    if any(each is not None and not isinstance(each, str) for each in found):
        return None
    return next((each for each in found if each), "")


def _word(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value[:128] if isinstance(value, str) else ""
