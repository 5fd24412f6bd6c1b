"""What one request to an OpenAI-compatible endpoint costs: at most before it is sent, by its usage afterwards."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from config.golden import ChatApi

TEMPLATE: Final = 64  # tokens that a chat template may add to the messages
_MILLION: Final = 1_000_000

Messages = Sequence[Mapping[str, Any]]


def most_usd(settings: ChatApi, messages: Messages, schema: Mapping[str, Any] | None = None) -> float:
    """The most that one request can cost: a token is a byte at least, and no answer is longer than it may be."""
    sent = json.dumps(messages, ensure_ascii=False) + (json.dumps(schema) if schema is not None else "")
    return tokens_usd(settings, len(sent.encode("utf-8", "surrogatepass")) + TEMPLATE, answer_limit(settings))


def answer_limit(settings: ChatApi) -> int:
    """The longest answer, in tokens, thinking included."""
    return int(settings.params.get("max_completion_tokens", settings.max_tokens))


def tokens_usd(settings: ChatApi, sent: int, answered: int) -> float:
    """What tokens cost. Discounts for cached prompts are not counted: the true cost can only be lower."""
    return (sent * settings.input_usd_per_million + answered * settings.output_usd_per_million) / _MILLION
