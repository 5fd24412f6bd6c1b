"""Redaction: takes personal data and credentials out of a text before it is stored, embedded or sent."""

import hashlib
import re
from typing import Any

import orjson

from config.sources.common import Redaction
from monitor.sensitive import FINDERS, SECRET_NAME

# Part of every baseline's identity: change it whenever the same text may come out differently.
CODE_VERSION = "1"

_MARKER = re.compile(r"\[(?:email|phone|card|key|redacted)\]")
_PASSES = 8
_LONGEST_CARD = 19


class Redactor:
    """Replaces what it finds by `[email]`, `[phone]`, `[card]`, `[key]`, and matches of own patterns by `[redacted]`.

    Redacting twice gives the same text as redacting once.

    Attributes:
        version: of code and settings together; two texts redacted under one version are comparable.
    """

    def __init__(self, settings: Redaction) -> None:
        self._kinds = [kind for kind in FINDERS if settings.enabled and kind in settings.kinds]
        self._patterns = [re.compile(pattern) for pattern in settings.patterns] if settings.enabled else []
        identity = orjson.dumps([CODE_VERSION, self._kinds, [pattern.pattern for pattern in self._patterns]])
        self.version = hashlib.sha256(identity).hexdigest()[:12]

    @classmethod
    def always(cls, settings: Redaction) -> "Redactor":
        """Of texts that people or a judge see: also where the redaction of the source is off."""
        return cls(settings.model_copy(update={"enabled": True}))

    def redact(self, text: str) -> str:
        """The text without what is sensitive."""
        for _ in range(_PASSES):
            # What was taken out may have been what kept its neighbour from being seen.
            clean = self._once(text)
            if clean == text:
                break
            text = clean
        return text

    def redact_json(self, text: str) -> str:
        """The same for JSON in a string: every string in it is redacted, and it stays JSON."""
        if "\\" not in text and self.redact(text) == text:
            return text
        try:
            value = orjson.loads(text)
            clean = self._value(value)
        except (orjson.JSONDecodeError, RecursionError):
            return self.redact(text)
        return text if clean == value else orjson.dumps(clean).decode()

    def _once(self, text: str) -> str:
        for kind in self._kinds:
            spans = list(FINDERS[kind](text))
            if spans:
                text = _replaced(text, spans, f"[{kind}]")
        for pattern in self._patterns:
            text = _outside_markers(pattern, text)
        return text

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, dict):
            return {self.redact(name): self._member(name, each) for name, each in value.items()}
        if isinstance(value, int) and len(digits := str(value)) <= _LONGEST_CARD:
            clean = self.redact(digits)
            return value if clean == digits else clean
        return value

    def _member(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and value and "key" in self._kinds and SECRET_NAME.fullmatch(name[:64]):
            return "[key]"
        return self._value(value)


def _replaced(text: str, spans: list[tuple[int, int]], marker: str) -> str:
    parts, position = [], 0
    for start, end in spans:
        parts += [text[position:start], marker]
        position = end
    return "".join([*parts, text[position:]])


def _outside_markers(pattern: re.Pattern[str], text: str) -> str:
    """Replaces the matches between the markers: a marker is no text of the user's."""
    parts, position = [], 0
    for marker in _MARKER.finditer(text):
        parts += [_substituted(pattern, text[position : marker.start()]), marker.group()]
        position = marker.end()
    return "".join([*parts, _substituted(pattern, text[position:])])


def _substituted(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: "[redacted]" if match.group() else "", text)
