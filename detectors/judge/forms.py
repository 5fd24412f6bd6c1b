"""How an answer is asked for: by JSON schema and with probabilities; by less where an endpoint does not take that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final, Literal

from config.judge import JudgeApi

Kind = Literal["json_schema", "json_object", "text"]
Limit = Literal["max_tokens", "max_completion_tokens"]

_WEAKER: Final[dict[Kind, Kind]] = {"json_schema": "json_object", "json_object": "text"}
# What an endpoint says of a question that no other form would make it take.
_NOT_THE_FORM: Final = frozenset({"context_length_exceeded", "content_filter", "string_above_max_length"})


@dataclass(frozen=True, slots=True)
class Form:
    """One way to ask.

    Attributes:
        kind: json_schema holds the judge to the answer's form, json_object to JSON, text to nothing.
        logprobs: whether the probabilities of tokens are asked for.
        limit: the parameter for the longest answer; newer models of OpenAI take only the second.
        temperature: whether it is sent; some models take none.
    """

    kind: Kind = "json_schema"
    logprobs: bool = True
    limit: Limit = "max_tokens"
    temperature: bool = True


class Forms:
    """The form in which one endpoint is asked; shared by threads. It gets weaker until a question is taken."""

    def __init__(self, settings: JudgeApi) -> None:
        self._adapts = settings.answer_form == "auto"
        kind: Kind = "json_schema" if settings.answer_form == "auto" else settings.answer_form
        self._first = self._current = Form(kind, settings.logprobs)
        self._proven = False
        self._lock = Lock()

    @property
    def current(self) -> Form:
        """The form to ask in."""
        return self._current

    def taken(self, form: Form) -> None:
        """The endpoint has taken a question in this form: what it refuses from now on is the question."""
        with self._lock:
            if form == self._current:
                self._proven = True

    def weaken(self, form: Form, words: Sequence[str]) -> bool:
        """After a refusal: whether there is another form to ask the same question in.

        Args:
            form: in which it was asked.
            words: type, code and parameter of the refusal.
        """
        with self._lock:
            if form != self._current:
                return True  # another question has found out in the meantime
            weaker = None if self._proven or _NOT_THE_FORM.intersection(words) else self._weaker(form, words)
            if weaker is None:
                self._current = form if self._proven else self._first
                return False
            self._current = weaker
            return True

    def _weaker(self, form: Form, words: Sequence[str]) -> Form | None:
        if "max_tokens" in words and form.limit == "max_tokens":
            return replace(form, limit="max_completion_tokens")
        if "temperature" in words and form.temperature:
            return replace(form, temperature=False)
        if form.logprobs and "response_format" not in words:
            return replace(form, logprobs=False)
        if self._adapts and form.kind in _WEAKER:
            return replace(form, kind=_WEAKER[form.kind])
        return replace(form, logprobs=False) if form.logprobs else None
