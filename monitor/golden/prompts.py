"""The file of the golden set."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from detectors.golden import MOST_ANSWERS

MOST_PROMPTS = 1_000
MOST_BYTES = 20_000_000


class PromptsError(Exception):
    """The file cannot be used; the message says which line and why, and never quotes it."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt of the set.

    Attributes:
        id: as the user calls it.
        messages: what is sent.
        answers: that the file says are right; empty where the first run shall tell.
        hash: of all of it: a prompt that was changed is another one.
    """

    id: str
    messages: Sequence[Mapping[str, Any]]
    answers: tuple[str, ...]
    hash: str


def read_prompts(path: Path) -> list[Prompt]:
    """The prompts of a file, in its order.

    Raises:
        PromptsError: it cannot be read, or a line is no prompt.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PromptsError(f"the prompts cannot be read from {path}: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        raise PromptsError(f"{path} is longer than {MOST_BYTES // 1_000_000} MB")
    prompts: dict[str, Prompt] = {}
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            prompt = _prompt(line, f"{path}, line {number}")
            if prompt.id in prompts:
                raise PromptsError(f"{path}, line {number}: the id was used before")
            prompts[prompt.id] = prompt
    if not 1 <= len(prompts) <= MOST_PROMPTS:
        raise PromptsError(
            f"{path} holds {len(prompts)} prompts; 1 to {MOST_PROMPTS} are possible, 30 are a good start"
        )
    return list(prompts.values())


def _prompt(line: bytes, place: str) -> Prompt:
    try:
        read = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise PromptsError(f"{place}: is no JSON") from error
    if not isinstance(read, dict) or not isinstance(read.get("id"), str | int):
        raise PromptsError(f"{place}: must be an object with an id")
    answers = read.get("answers") or []
    if not isinstance(answers, list) or not all(isinstance(each, str) for each in answers):
        raise PromptsError(f"{place}: answers must be a list of texts")
    messages = _messages(read, place)
    name = str(read["id"])[:128]
    whole = orjson.dumps([name, messages, answers], option=orjson.OPT_SORT_KEYS)
    return Prompt(name, messages, tuple(answers[:MOST_ANSWERS]), hashlib.sha256(whole).hexdigest()[:32])


def _messages(read: Mapping[str, Any], place: str) -> list[Mapping[str, Any]]:
    """What is sent: the messages of a line, or its prompt as the only one."""
    messages, prompt = read.get("messages"), read.get("prompt")
    if messages is None and isinstance(prompt, str) and prompt:
        return [{"role": "user", "content": prompt}]
    is_list = isinstance(messages, list) and messages and all(isinstance(each, dict) and each for each in messages)
    if not isinstance(messages, list) or not is_list or prompt is not None:
        raise PromptsError(f"{place}: must have either prompt, a text, or messages, as the endpoint takes them")
    return messages
