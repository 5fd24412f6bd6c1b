"""A chat completions endpoint for judges that follows OpenAI's documented rules; what it says is the test's.

Its time is the test's: `pause` is what the client waits with, and nothing sleeps.
"""

import json
import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fake_embeddings import answer, error
from fake_http import Answer, FakeHttp, Request
from pydantic import SecretStr

from config.judge import JudgeApi
from detectors.judge.desk import Desk

KEY = "sk-TopSecretOfTheAccount"
MODEL = "judge-1"
SENT, ANSWERED = 1_000, 50  # tokens that it says each request used

_WORD = re.compile(r'(\s*:\s*")(\w+)')  # anchored: what stands before it may be a megabyte
_PART = re.compile(
    r"\[(?P<mark>\w+) begin (?P<label>[^\]\n]+)\]\n(?P<text>.*?)\n\[(?P=mark) end (?P=label)\]", re.DOTALL
)


@dataclass(frozen=True)
class Question:
    """What a judge was asked."""

    body: Mapping[str, Any]

    @property
    def rules(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def shown(self) -> str:
        return str(self.body["messages"][1]["content"])

    @property
    def mark(self) -> str:
        return str(re.search(r"The mark of their lines is (\w+);", self.shown)[1])  # type: ignore[index]

    @property
    def texts(self) -> dict[str, str]:
        """The texts between their marks, by label."""
        return {found["label"]: found["text"] for found in _PART.finditer(self.shown)}

    @property
    def menu(self) -> list[str]:
        schema = self.body["response_format"]["json_schema"]["schema"]
        return list(schema["properties"]["verdict"]["enum"])


Says = Callable[[Question], str | Answer]


def said(verdict: str, evidence: str = "", reasoning: str = "because") -> str:
    """A reply in the right form."""
    return json.dumps({"evidence": evidence, "reasoning": reasoning, "verdict": verdict})


@dataclass
class FakeJudge(FakeHttp):
    """One account with one model.

    Attributes:
        says: what it answers to a question.
        refuses: parameters that the endpoint does not take: response_format, json_schema, logprobs, temperature, …
        per_minute: requests that it answers in a minute, before it asks to slow down.
        chances: probabilities that it gives for the verdicts, where it is asked for them.
        broken: whether it answers 503 to everybody.
    """

    says: Says = lambda question: said("yes")
    refuses: frozenset[str] = frozenset()
    per_minute: int | None = None
    chances: Mapping[str, float] | None = None
    broken: bool = False
    now: float = 0.0
    asked: list[Question] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    _accepted: list[float] = field(default_factory=list)
    _time: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def url(self) -> str:
        return f"{self.base}/v1"

    def pause(self, seconds: float) -> None:
        """Time passes."""
        with self._time:
            self.now += seconds
            self.waited.append(seconds)

    def settings(self, **changes: Any) -> JudgeApi:
        """How to reach it."""
        own: dict[str, Any] = {"url": self.url, "model": MODEL, "api_key": SecretStr(KEY), "concurrency": 1}
        return JudgeApi(**(own | {"input_usd_per_million": 1.0, "output_usd_per_million": 4.0} | changes))

    def desk(self, **changes: Any) -> Desk:
        """The outside, in its time."""
        return Desk(self.pause, lambda: self.now, **changes)

    def respond(self, request: Request) -> Answer:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        question = Question(json.loads(request.body))
        self.asked.append(question)
        words = self.says(question)
        if isinstance(words, Answer):
            return words
        return completion(words, logprobs=_logprobs(words, self.chances) if question.body.get("logprobs") else None)

    def _refusal(self, request: Request) -> Answer | None:
        if self.broken:
            return error(503, "The server is overloaded", "server_error")
        address, headers = urlsplit(request.path), {name.lower(): value for name, value in request.headers.items()}
        if "/deployments/" in address.path:
            good = address.path == f"/openai/deployments/{MODEL}/chat/completions" and parse_qs(address.query).get(
                "api-version"
            )
            known = headers.get("api-key") == KEY
        else:
            good, known = address.path == "/v1/chat/completions", headers.get("authorization") == f"Bearer {KEY}"
        if not good:
            return error(404, f"Invalid URL ({address.path})", "invalid_request_error")
        if not known:
            return error(401, "Incorrect API key provided: ***", "invalid_request_error", "invalid_api_key")
        body = json.loads(request.body)
        if body.get("model") != MODEL:
            return error(404, "The model does not exist", "invalid_request_error", "model_not_found")
        return self._unfit(body) or self._too_fast()

    def _unfit(self, body: Mapping[str, Any]) -> Answer | None:
        form = body.get("response_format") or {}
        for name in ("temperature", "logprobs", "max_tokens", "response_format"):
            if name in self.refuses and name in body:
                return unsupported(name)
        if form.get("type") in self.refuses:
            return unsupported("response_format")
        if form.get("type") == "json_schema":
            told = form.get("json_schema", {})
            if (
                not told.get("name")
                or told.get("strict") is not True
                or told["schema"].get("additionalProperties") is not False
            ):
                return error(400, "Invalid schema for response_format", "invalid_request_error")
        return None

    def _too_fast(self) -> Answer | None:
        recent = [at for at in self._accepted if at > self.now - 60]
        if self.per_minute is not None and len(recent) >= self.per_minute:
            wait = math.ceil(recent[0] + 60 - self.now)
            slow = error(429, "Rate limit reached", "requests", "rate_limit_exceeded")
            return Answer(429, slow.body, {"Retry-After": str(wait), "Content-Type": "application/json"})
        self._accepted.append(self.now)
        return None


def unsupported(name: str) -> Answer:
    """The documented answer to a parameter that a model does not take."""
    body = {
        "message": f"Unsupported parameter: '{name}'",
        "type": "invalid_request_error",
        "param": name,
        "code": "unsupported_parameter",
    }
    return Answer(400, json.dumps({"error": body}), {"Content-Type": "application/json"})


def completion(
    text: Any, *, refusal: str | None = None, finish: str = "stop", logprobs: Any = None, **changes: Any
) -> Answer:
    """A good answer."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    whole: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "judge-1-2026-01-01",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}],
        "usage": {"prompt_tokens": SENT, "completion_tokens": ANSWERED, "total_tokens": SENT + ANSWERED},
    }
    return answer(whole | changes)


def _logprobs(text: str, chances: Mapping[str, float] | None) -> Any:
    """The text in three tokens: up to the last verdict, the verdict, the rest."""
    before, key, after = text.rpartition('"verdict"')
    found = _WORD.match(after)
    if chances is None or not key or found is None:
        return None
    top = [{"token": word, "logprob": math.log(chance), "bytes": None} for word, chance in chances.items()]
    parts = (before + key + found[1], found[2], after[found.end() :])
    tokens = [{"token": each, "logprob": -0.1, "bytes": None, "top_logprobs": []} for each in parts]
    tokens[1]["top_logprobs"] = top
    return {"content": tokens, "refusal": None}
