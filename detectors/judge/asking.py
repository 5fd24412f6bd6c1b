"""Asks one judge many questions: equal ones once, known ones not at all, the others side by side."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Final

from config.judge import JudgeApi
from detectors.judge.client import Completion
from detectors.judge.desk import Desk
from detectors.judge.fence import holds
from detectors.judge.line import Attempt, Line
from detectors.judge.parse import parse_verdict
from detectors.judge.probability import verdict_probabilities
from detectors.judge.prompt import Task
from detectors.judge.verdict import Problem, Source

_GROUP: Final = 64  # questions that are handed out together, so that a run that is broken off has little to wait for


@dataclass(frozen=True, slots=True)
class Reply:
    """What a judge answered to one question, or why it did not.

    Attributes:
        word: on the menu, or None with a problem.
        probabilities: of each verdict, together 1, where the endpoint gives them.
        quoted: whether the evidence is a quote from the judged text; None when nothing is quoted.
        usd: what it cost, all tries together.
        tries: requests that were sent.
    """

    word: str | None = None
    evidence: str = field(default="", repr=False)
    reasoning: str = field(default="", repr=False)
    quoted: bool | None = None
    probabilities: Mapping[str, float] | None = None
    problem: Problem | None = None
    detail: str = ""
    source: Source = "judge"
    usd: float = 0.0
    tries: int = 0
    model: str = ""


Told = Callable[[int, Reply], object]


class Asking:
    """One judge and how it is asked.

    Raises:
        ValueError: no header can carry the key.
    """

    def __init__(self, identity: str, settings: JudgeApi, desk: Desk) -> None:
        self._identity, self._settings, self._desk = identity, settings, desk
        self._line = Line(settings, desk)

    @property
    def down(self) -> str:
        """Why the judge was down when it was last asked; empty when it was not."""
        return self._line.down

    def ask(self, tasks: Sequence[Task], told: Told | None = None, repeat: int = 0) -> list[Reply]:
        """Asks every question; whatever the endpoint does becomes a reply, and nothing is raised for it.

        Args:
            tasks: the questions.
            told: called in this thread with the place of a question and its reply, as the replies come.
            repeat: 0, or for the how-many-eth time these questions are asked anew although the answers are known.
        """
        self._line.reset()
        places: dict[str, list[int]] = {}
        for place, task in enumerate(tasks):
            places.setdefault(task.key(self._identity, repeat), []).append(place)
        replies = [Reply(problem=Problem.STOPPED)] * len(tasks)
        for key, reply in self._replies({key: tasks[where[0]] for key, where in places.items()}):
            for number, place in enumerate(places[key]):
                replies[place] = reply if number == 0 else _unpaid(reply)
                if told is not None:
                    told(place, replies[place])
        return replies

    def _replies(self, tasks: Mapping[str, Task]) -> Iterator[tuple[str, Reply]]:
        known = self._desk.cache.get(list(tasks)) if self._desk.cache is not None and tasks else {}
        recalled = {key: _recalled(known[key], task) for key, task in tasks.items() if key in known}
        yield from ((key, reply) for key, reply in recalled.items() if reply is not None)
        todo = [(key, task) for key, task in tasks.items() if recalled.get(key) is None]
        if not todo:
            return
        with ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="judge") as pool:
            for start in range(0, len(todo), _GROUP):
                futures: dict[Future[Attempt], tuple[str, Task]] = {
                    pool.submit(self._line.answer, task): (key, task) for key, task in todo[start : start + _GROUP]
                }
                for future in as_completed(futures):
                    key, task = futures[future]
                    yield key, self._reply(key, task, future.result())

    def _reply(self, key: str, task: Task, attempt: Attempt) -> Reply:
        costs = Reply(problem=attempt.problem, detail=attempt.detail, usd=attempt.usd, tries=attempt.tries)
        done = attempt.completion
        if done is None:
            return costs
        chances = verdict_probabilities(done.tokens, task.menu)
        read = _read(task, done, chances)
        if read.word is not None and self._desk.cache is not None:
            self._desk.cache.put({key: _remembered(done, chances)})
        return replace(read, usd=attempt.usd, tries=attempt.tries)


def _read(task: Task, done: Completion, chances: Mapping[str, float] | None) -> Reply:
    """What an answer says."""
    if done.refused:
        return Reply(problem=Problem.REFUSED, model=done.model)
    found = parse_verdict(done.text, task.menu)
    if found.word is None:
        cut = ", cut at its longest length" if done.cut else ""
        return Reply(problem=Problem.UNPARSEABLE, detail=f"{found.trouble}{cut}", model=done.model)
    evidence = found.evidence.strip()
    return Reply(
        word=found.word,
        evidence=evidence,
        reasoning=found.reasoning,
        quoted=holds(task.material, evidence) if evidence else None,
        probabilities=chances,
        model=done.model,
    )


def _remembered(done: Completion, chances: Mapping[str, float] | None) -> bytes:
    return json.dumps({"text": done.text, "model": done.model, "chances": chances}).encode()


def _recalled(remembered: bytes, task: Task) -> Reply | None:
    """The reply that was given before; None when what is remembered cannot be read any more."""
    try:
        told = json.loads(remembered)
        done, chances = Completion(told["text"], model=told["model"]), told["chances"]
        reply = _read(task, done, {word: float(chances[word]) for word in task.menu} if chances else None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return None if reply.word is None else replace(reply, source="cache")


def _unpaid(reply: Reply) -> Reply:
    """The reply to an equal question that was not asked again."""
    return replace(reply, source="cache" if reply.word is not None else reply.source, usd=0.0, tries=0)
