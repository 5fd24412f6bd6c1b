"""What tests of the judge share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fake_judge import FakeJudge

from detectors.judge.criterion import Criterion, built_in
from detectors.judge.judge import Judge
from detectors.judge.prompt import Item
from detectors.judge.verdict import Verdict

RELEVANCE: Criterion = built_in("relevance")
GOOD, BAD = "Line 12 goes to the airport.", "Basil likes the sun."


def calls(*responses: str | None, prompt: str = "Which bus goes to the airport?") -> list[Item]:
    """Calls with these answers, the ids in order."""
    return [Item(str(number), prompt=prompt, response=response) for number, response in enumerate(responses)]


def judge_of(server: FakeJudge, name: str = "small", **settings: object) -> Judge:
    """A judge at the server."""
    return Judge(name, server.settings(**settings), server.desk())


def outcomes(verdicts: Sequence[Verdict]) -> list[str]:
    """Words, or problems where there is none."""
    return [each.word or str(each.problem) for each in verdicts]


@dataclass
class Memory:
    """A cache in memory."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self.kept[key] for key in keys if key in self.kept}

    def put(self, items: Mapping[str, bytes]) -> None:
        self.kept.update(items)
