"""New answers to the prompts of a dataset, from a model behind an endpoint; what was answered is never asked again."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from config.golden import ChatApi
from detectors.chat_api import ChatEndpoint
from detectors.endpoint import EndpointError, Pause
from detectors.judge.price import Account
from detectors.judge.prompt import Item
from monitor.evaluate.folder import Lines

DOWN_AFTER: Final = 3  # questions in a row that got no answer
BUDGET, STOPPED, NO_PROMPT = "budget", "stopped", "it has no prompt"

Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, or why there is none."""

    text: str | None
    problem: str = ""


@dataclass(slots=True)
class Answering:
    """One model that answers.

    Attributes:
        settings: of its endpoint.
        account: where the money comes from.
        kept: what was answered so far.
        pause: waits some seconds.
        stopping: whether to stop.
        concurrency: requests under way at a time.
    """

    settings: ChatApi
    account: Account
    kept: Lines
    pause: Pause
    stopping: Callable[[], bool]
    concurrency: int = 4
    _unanswered: int = 0
    _down: str = ""
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def identity(self) -> str:
        """Changes with everything that may change its answers; not with keys or prices."""
        settings = self.settings
        told = [settings.url, settings.model, settings.temperature, settings.max_tokens, settings.params]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
        return f"{settings.model}-{digest[:12]}"

    def ask(self, items: Sequence[Item], told: Callable[[], object]) -> dict[str, Answered]:
        """An answer to each prompt, by the id of its item.

        Args:
            items: the calls; their system prompt is sent too.
            told: called with every answer.

        Raises:
            ValueError: no header can carry the key.
        """
        endpoint = ChatEndpoint(self.settings, self.pause)
        known = {each["key"]: each["text"] for each in self.kept.read()}
        found = {item.id: Answered(None, NO_PROMPT) for item in items if not item.prompt}
        todo: dict[str, tuple[Item, Messages]] = {}
        for item in items:
            if item.prompt:
                messages = _messages(item)
                key = self._key(item, messages)
                if key in known:
                    found[item.id] = Answered(known[key])
                    told()
                else:
                    todo[key] = (item, messages)
        for item, answered in self._all(endpoint, todo):
            found[item.id] = answered
            told()
        return found

    def _all(
        self, endpoint: ChatEndpoint, todo: Mapping[str, tuple[Item, Messages]]
    ) -> Iterator[tuple[Item, Answered]]:
        waiting = list(todo.items())
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="evaluate") as pool:
            for first in range(0, len(waiting), 4 * self.concurrency):
                futures: dict[Future[Answered], Item] = {
                    pool.submit(self._one, endpoint, key, messages): item
                    for key, (item, messages) in waiting[first : first + 4 * self.concurrency]
                }
                for future in as_completed(futures):
                    yield futures[future], future.result()

    def _one(self, endpoint: ChatEndpoint, key: str, messages: Messages) -> Answered:
        if self.stopping():
            return Answered(None, STOPPED)
        if self._down:
            return Answered(None, f"outage: {self._down}")
        most = endpoint.worst_usd(messages)
        if not self.account.reserve(most):
            return Answered(None, BUDGET)
        try:
            answer = endpoint.ask(messages)
        except EndpointError as error:
            self.account.settle(most, most if error.unsure else 0.0)
            self._note(str(error))
            return Answered(None, str(error))
        self.kept.add([{"key": key, "text": answer.text, "model": answer.model, "usd": answer.usd}])
        self.account.settle(most, answer.usd)
        self._note("")
        return Answered(answer.text)

    def _note(self, failure: str) -> None:
        with self._lock:
            self._unanswered = self._unanswered + 1 if failure else 0
            if self._unanswered >= DOWN_AFTER:
                self._down = failure

    def _key(self, item: Item, messages: Messages) -> str:
        # Two rows with one prompt are two questions: a model need not answer twice alike.
        return hashlib.sha256(json.dumps([self.identity, item.id, messages]).encode()).hexdigest()


def _messages(item: Item) -> Messages:
    system = [{"role": "system", "content": item.system_prompt}] if item.system_prompt else []
    return [*system, {"role": "user", "content": item.prompt or ""}]
