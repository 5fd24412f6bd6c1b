"""A chat completions endpoint that follows OpenAI's documented rules; its answers are the test's.

Its time is the test's: `wait` is what the client pauses with, and nothing sleeps.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fake_embeddings import answer, error
from fake_http import Answer, FakeHttp, Request

KEY = "sk-TopSecretOfTheAccount"
PROMPT_TOKENS, ANSWER_TOKENS = 10, 20


@dataclass
class FakeChat(FakeHttp):
    """One account with one model. `says` makes the answer to the n-th accepted request for a prompt."""

    says: Callable[[str, int], str] = lambda prompt, number: f"the answer to {prompt}"
    key: str = KEY
    model: str = "gpt-x"
    asked: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def url(self) -> str:
        return f"{self.base}/v1"

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.waited.append(seconds)

    def respond(self, request: Request) -> Answer:
        if request.path != "/v1/chat/completions" or request.method != "POST":
            return error(404, f"Invalid URL ({request.method} {request.path})", "invalid_request_error")
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("authorization") != f"Bearer {self.key}":
            given = headers.get("authorization", "")
            return error(401, f"Incorrect API key provided: {given}", "invalid_request_error", "invalid_api_key")
        body = json.loads(request.body)
        if body.get("model") != self.model:
            return error(404, "The model does not exist", "invalid_request_error", "model_not_found")
        messages = body.get("messages")
        if not messages or not all(isinstance(each.get("content"), str) for each in messages):
            return error(400, "'messages' is wrong", "invalid_request_error")
        prompt = messages[-1]["content"]
        self.asked.append(prompt)
        return completion(self.says(prompt, self.asked.count(prompt)), model=self.model)


def completion(text: Any, **changes: Any) -> Answer:
    """A good answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": ANSWER_TOKENS, "total_tokens": 30}
    whole: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-x",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage,
    }
    return answer(whole | changes)
