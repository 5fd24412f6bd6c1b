"""The calls of one trace, as records with the canonical column names; a column without a value is left out."""

from dataclasses import dataclass, field
from typing import Any

from monitor.demo.dice import Dice
from monitor.demo.models import Model
from monitor.demo.requests import Outcome, request
from monitor.demo.story import Story, from_epoch_ms

Record = dict[str, Any]

LOGGED_CHARACTERS = 4_000
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is chatting, and where: the same for all calls of a session."""

    session_id: str
    user_id: str
    environment: str
    route: str

    @property
    def streamed(self) -> bool:
        """E-mails are answered in one piece."""
        return self.route != "email"


@dataclass(slots=True)
class Ask:
    """What the application sends, and what the model will say if nothing goes wrong.

    Attributes:
        extra: further columns of the record that do not depend on the outcome.
    """

    model: Model
    service: str
    prompt_version: str
    prompt: str
    system_prompt: str
    input_tokens: int
    response: str = ""
    tool_calls: str | None = None
    cached_tokens: int = 0
    streamed: bool = False
    extra: Record = field(default_factory=dict)


def tokens(text: str) -> int:
    """About four characters are a token."""
    return len(text) // 4 + 1


class Trace:
    """The calls that serve one message of a customer, one after the other; `at_ms` is the time of the next one.

    `calls` holds the (end in ms, record) of each.
    """

    def __init__(self, dice: Dice, story: Story, visit: Visit, at_ms: int) -> None:
        self.at_ms = at_ms
        self.calls: list[tuple[int, Record]] = []
        self._dice = dice
        self._story = story
        self._visit = visit
        self._trace_id = f"{dice.getrandbits(128):032x}"

    def call(self, ask: Ask) -> tuple[str, Outcome]:
        """Asks the model, again if that may help; returns the id of the last call and what came of it."""
        for attempt in range(1, _ATTEMPTS + 1):
            output_tokens = tokens(ask.response or ask.tool_calls or "")
            outcome = request(self._dice, ask.model, self._story, self.at_ms, output_tokens)
            call_id = self._write(ask, outcome, _result(self._dice, ask, outcome, output_tokens))
            if not outcome.retryable or attempt == _ATTEMPTS:
                break
            self.at_ms += int(self._dice.spread(600.0 * 2**attempt, 0.3))
        return call_id, outcome

    def from_cache(self, ask: Ask) -> None:
        """Gives the answer of the response cache: no model is asked."""
        outcome = Outcome(self._dice.spread(0.015, 0.4), 0.0)
        counts = {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}
        result = {"response": ask.response, "finish_reason": "stop", "streamed": False, **counts, "cache_hit": True}
        self._write(ask, outcome, result)

    def _write(self, ask: Ask, outcome: Outcome, result: Record) -> str:
        took_ms = max(round(outcome.latency_s * 1000), 1)
        ended_ms = self.at_ms + took_ms
        call_id = f"call_{self._dice.getrandbits(72):018x}"
        record: Record = {
            "id": call_id,
            "started_at": from_epoch_ms(self.at_ms).isoformat(timespec="milliseconds"),
            "ended_at": from_epoch_ms(ended_ms).isoformat(timespec="milliseconds"),
            "trace_id": self._trace_id,
            "session_id": self._visit.session_id,
            "user_id": self._visit.user_id,
            "service": ask.service,
            "environment": self._visit.environment,
            "operation": "chat",
            "provider": ask.model.provider,
            "model": ask.model.name,
            "route": self._visit.route,
            "prompt_version": ask.prompt_version,
            "prompt": ask.prompt[:LOGGED_CHARACTERS],
            "system_prompt": ask.system_prompt,
            "latency_s": took_ms / 1000,
            **ask.extra,
            **result,
        }
        if len(ask.prompt) > LOGGED_CHARACTERS:
            record["text_truncated"] = True
        if self.calls:
            record["parent_id"] = self.calls[0][1]["id"]
        self.calls.append((ended_ms, record))
        self.at_ms = ended_ms
        return call_id


def _result(dice: Dice, ask: Ask, outcome: Outcome, output_tokens: int) -> Record:
    """The columns that depend on what came back."""
    if outcome.error_type is not None:
        failure = {"error": outcome.error, "error_type": outcome.error_type, "status_code": outcome.status_code}
        if outcome.status_code is None:
            del failure["status_code"]
        return {**failure, "streamed": ask.streamed, "cache_hit": False}
    result: Record = {
        "response_model": ask.model.response_model,
        "system_fingerprint": ask.model.system_fingerprint,
        "status_code": 200,
        "streamed": ask.streamed,
        "input_tokens": ask.input_tokens,
        "cached_input_tokens": ask.cached_tokens,
        "cache_hit": False,
    }
    if ask.streamed:
        result["ttft_s"] = round(outcome.ttft_s, 3)
    if ask.tool_calls is not None:
        result |= {"tool_calls": ask.tool_calls, "finish_reason": "tool_calls"}
    elif dice.chance(0.005) and output_tokens > 30:
        # The answer hits the limit on output tokens.
        output_tokens = int(output_tokens * (0.5 + 0.4 * dice.random()))
        result |= {"response": ask.response[: 4 * output_tokens], "finish_reason": "length"}
    else:
        result |= {"response": ask.response, "finish_reason": "stop"}
    cost = ask.model.cost(ask.input_tokens, ask.cached_tokens, output_tokens)
    return {**result, "output_tokens": output_tokens, "cost_usd": cost}
