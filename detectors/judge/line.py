"""The line to one judge: a question is tried again where that may help, each try is paid for, and it can be down."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from config.judge import JudgeApi
from detectors.endpoint import LONGEST_PAUSE_S
from detectors.judge.client import FOR_ALL, TEMPORARY, ChatDoor, Completion, Failure, JudgeError
from detectors.judge.desk import Desk
from detectors.judge.forms import Form, Forms
from detectors.judge.pace import Pace
from detectors.judge.prompt import Task
from detectors.judge.verdict import Problem
from detectors.price import most_usd, tokens_usd

# Questions in a row that got no answer in all their tries, after which the judge counts as down.
DOWN_AFTER: Final = 3
_MOST_FORMS: Final = 8  # other forms in which one question is asked


@dataclass(slots=True)
class Attempt:
    """What became of one question: a completion, or a problem; and what it has cost."""

    completion: Completion | None = None
    problem: Problem | None = None
    detail: str = ""
    usd: float = 0.0
    tries: int = 0


@dataclass(slots=True)
class _Tries:
    """What one question may still do: tries that are left, and other forms; and how often it has failed."""

    left: int
    forms: int = _MOST_FORMS
    failed: int = 0


@dataclass(slots=True)
class _State:
    """What the threads know of the judge in common."""

    busy: int = 0
    unanswered: int = 0
    down: str = ""
    stopped: bool = False
    lock: Lock = field(default_factory=Lock)


class Line:
    """Shared by the threads that ask one judge.

    Raises:
        ValueError: no header can carry the key.
    """

    def __init__(self, settings: JudgeApi, desk: Desk) -> None:
        self._settings, self._desk = settings, desk
        self._door = ChatDoor(settings)
        self._forms = Forms(settings)
        self._pace = Pace(settings.requests_per_minute, desk.seconds)
        self._state = _State()

    @property
    def down(self) -> str:
        """Why the judge counts as down; empty when it does not."""
        return self._state.down

    def reset(self) -> None:
        """Forgets that it was down."""
        self._state = _State()

    def answer(self, task: Task) -> Attempt:
        """Tries a question until it is answered, or no more tries may help."""
        attempt, tries = Attempt(), _Tries(self._settings.tries)
        while tries.left:
            attempt.problem = self._wait()
            if attempt.problem is not None:
                attempt.detail = attempt.detail or self.down
                return attempt
            form = self._forms.current
            try:
                if not self._try(task, form, attempt):
                    attempt.problem = Problem.BUDGET
                    return attempt
            except JudgeError as error:
                attempt.detail = str(error)
                if not self._goes_on(error, form, tries):
                    attempt.problem = Problem.REJECTED
                    return attempt
            else:
                self._answered(form)
                attempt.detail = ""
                return attempt
        attempt.problem = Problem.OUTAGE
        self._unanswered(attempt.detail)
        return attempt

    def _goes_on(self, error: JudgeError, form: Form, tries: _Tries) -> bool:
        """Takes a failure in; whether the question may still be answered, now or by a judge that is not down."""
        if error.failure in FOR_ALL:
            self._set_down(str(error))
            return True
        if error.failure not in TEMPORARY:
            tries.forms -= 1
            return tries.forms > 0 and self._forms.weaken(form, error.words)
        if error.failure is not Failure.BUSY:
            tries.left -= 1
        elif self._busy_for_all():
            tries.left = 0
        tries.failed += 1
        self._rest(tries.failed, error)
        return True

    def _busy_for_all(self) -> bool:
        """Whether it was too busy for every question that is under way, in all its tries, with no answer in between.

        An endpoint that is busy with our other questions is not down, and a refusal to hurry costs nothing.
        """
        with self._state.lock:
            self._state.busy += 1
            return self._state.busy >= self._settings.tries * self._settings.concurrency

    def _wait(self) -> Problem | None:
        """Waits for a turn; the problem with which nobody is asked any more."""
        if self._blocked() is None:
            wait = self._pace.turn()
            if wait > 0 and self._desk.pause(wait):
                self._state.stopped = True
        return self._blocked()

    def _blocked(self) -> Problem | None:
        if self._state.stopped:
            return Problem.STOPPED
        return Problem.OUTAGE if self._state.down else None

    def _try(self, task: Task, form: Form, attempt: Attempt) -> bool:
        """Sends the question once; false when there is no money for it.

        Raises:
            JudgeError: there is no answer. What may have been paid for stays spent.
        """
        messages, schema = task.messages(self._desk.mark), task.schema()
        most = most_usd(self._settings, messages, schema if form.kind == "json_schema" else None)
        account = self._desk.account
        if not account.reserve(most):
            return False
        attempt.tries += 1
        spent = most
        try:
            completion = self._door.send(messages, schema, form)
            spent = most if completion.used is None else tokens_usd(self._settings, *completion.used)
        except JudgeError as error:
            spent = most if error.unsure else 0.0
            raise
        finally:
            attempt.usd += spent
            account.settle(most, spent)
        attempt.completion = completion
        return True

    def _rest(self, failed: int, error: JudgeError) -> None:
        """Leaves the endpoint alone for a while: all threads, since its trouble is not this question's."""
        wait = error.wait_s or min(2.0 ** (failed - 1), LONGEST_PAUSE_S)
        if wait > LONGEST_PAUSE_S:
            self._set_down(str(error))
        else:
            self._pace.hold(wait)

    def _answered(self, form: Form) -> None:
        self._forms.taken(form)
        with self._state.lock:
            self._state.busy = self._state.unanswered = 0

    def _unanswered(self, why: str) -> None:
        with self._state.lock:
            self._state.unanswered += 1
            if self._state.unanswered >= DOWN_AFTER:
                self._state.down = self._state.down or why

    def _set_down(self, why: str) -> None:
        with self._state.lock:
            self._state.down = self._state.down or why
