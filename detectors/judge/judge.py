"""A judge: a model that is asked whether texts pass a criterion."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from config.criteria import Need
from config.judge import JudgeApi
from detectors.judge.asking import Asking, Reply
from detectors.judge.criterion import Criterion
from detectors.judge.desk import Desk
from detectors.judge.fence import says_nothing
from detectors.judge.price import Cost, likely
from detectors.judge.prompt import PROMPT_VERSION, Item, Task, task_of
from detectors.judge.verdict import Problem, Verdict

Told = Callable[[Verdict], object]


class Judge:
    """One model as a judge.

    Args:
        name: as the settings call it.
        settings: of its endpoint.
        desk: the outside.
        characters: of each text, at most; a longer one is shown by its start and end.

    Raises:
        ValueError: no header can carry the key.
    """

    def __init__(self, name: str, settings: JudgeApi, desk: Desk, characters: int = 12_000) -> None:
        self.name = name
        self.settings = settings
        self.characters = characters
        self.identity = _identity(name, settings, characters)
        self.asking = Asking(self.identity, settings, desk)

    @property
    def down(self) -> str:
        """Why it was down when it was last asked; empty when it was not."""
        return self.asking.down

    def ask(
        self, items: Sequence[Item], criterion: Criterion, told: Told | None = None, repeat: int = 0
    ) -> list[Verdict]:
        """Judges every item, in their order; whatever goes wrong with one is its verdict's problem.

        Args:
            items: the calls.
            criterion: what is judged.
            told: called in this thread with each verdict as it comes, in any order.
            repeat: 0, or for the how-many-eth time the same is asked again to see whether the verdict stays.
        """
        ruled = [self._without_asking(item, criterion) for item in items]
        places = [place for place, verdict in enumerate(ruled) if verdict is None]
        verdicts = {place: verdict for place, verdict in enumerate(ruled) if verdict is not None}
        if told is not None:
            for verdict in verdicts.values():
                told(verdict)

        def take(number: int, reply: Reply) -> None:
            place = places[number]
            verdicts[place] = verdict = self._verdict(items[place], criterion, reply)
            if told is not None:
                told(verdict)

        tasks = [task_of(items[place], criterion, self.characters) for place in places]
        self.asking.ask(tasks, take, repeat)
        return [verdicts[place] for place in range(len(items))]

    def cost(self, items: Sequence[Item], criterion: Criterion) -> Cost:
        """What judging the items would cost, if nothing of it is remembered."""
        asked = [item for item in items if self._without_asking(item, criterion) is None]
        return sum((self.cost_of(task_of(item, criterion, self.characters)) for item in asked), Cost())

    def cost_of(self, task: Task) -> Cost:
        """What one question would cost."""
        return likely(self.settings, task.messages(lambda: "0" * 16), task.schema())

    def _without_asking(self, item: Item, criterion: Criterion) -> Verdict | None:
        """The verdict of an item that there is no need, or no way, to ask about."""
        about = Verdict(item.id, criterion.name, criterion.identity, self.identity, source="rule")
        missing = next((need for need in criterion.needs if _lacks(item, need, criterion.judged)), None)
        if missing is not None:
            return replace(about, problem=Problem.MISSING_TEXT, detail=f"it has no {missing}")
        if not says_nothing(item.text(criterion.judged) or ""):
            return None
        word = criterion.empty
        if word is None:
            return replace(about, problem=Problem.SAYS_NOTHING)
        return replace(about, word=word, passed=criterion.passes(word), score=criterion.goodness(word))

    def _verdict(self, item: Item, criterion: Criterion, reply: Reply) -> Verdict:
        chances = _chances(criterion, reply)
        good = criterion.goodness(reply.word) if reply.word is not None else None
        if good is not None and chances:
            good = sum(share * (criterion.goodness(word) or 0.0) for word, share in chances.items())
        return Verdict(
            item=item.id,
            criterion=criterion.name,
            rubric=criterion.identity,
            judge=self.identity,
            word=reply.word,
            passed=criterion.passes(reply.word) if reply.word is not None else None,
            score=good,
            pass_probability=sum(share for word, share in chances.items() if criterion.passes(word))
            if chances
            else None,
            evidence=reply.evidence,
            quoted=reply.quoted,
            reasoning=reply.reasoning,
            problem=reply.problem,
            detail=reply.detail,
            source=reply.source,
            usd=reply.usd,
            tries=reply.tries,
            model=reply.model,
        )


def _lacks(item: Item, need: Need, judged: Need) -> bool:
    """Whether a text is not there. A judged text that is there and empty is something to judge."""
    text = item.text(need)
    return text is None or (need != judged and not text.strip())


def _chances(criterion: Criterion, reply: Reply) -> dict[str, float]:
    """The probabilities of the verdicts that say something, together 1; none when they are not known."""
    found = {word: share for word, share in (reply.probabilities or {}).items() if criterion.goodness(word) is not None}
    total = sum(found.values())
    return {word: share / total for word, share in found.items()} if total > 0 else {}


def _identity(name: str, settings: JudgeApi, characters: int) -> str:
    """Changes with everything that may change its verdicts; not with keys, prices or pace."""
    told = [settings.url, settings.model, settings.temperature, settings.params, characters, PROMPT_VERSION]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
    return f"{name}:{settings.model}-{digest[:12]}"
