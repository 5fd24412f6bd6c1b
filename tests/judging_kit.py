"""A small service with a judge: a log of questions and answers, some of which are bad, and a fake endpoint."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from fake_judge import KEY, MODEL, FakeJudge, Question, said
from sqlalchemy import event

from config.load import load
from monitor.cycle import cycle
from monitor.house import House
from monitor.judging.crew import Outside
from monitor.judging.stage import look
from monitor.opening import open_house

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AN_HOUR = 30  # calls
GOOD, BAD = "Line 12 goes to the airport.", "Basil likes the sun."

CONFIG = """
sources:
  chat: {{kind: files, paths: ["*.jsonl"], lateness: 0s, groupings: [[], [model]], silent_after: 0s}}
receivers:
  phone: {{kind: slack, webhook_url: "https://hooks.slack.com/services/T/B/x", group_interval: 0s, repeat_interval: 0s}}
text: {{enabled: false}}
window: 1h
start: 30d
judge:
  judges:
    small: {{url: "{url}", model: {model}, api_key: {key}, input_usd_per_million: 1, output_usd_per_million: 4,
             tries: 2, concurrency: 1, max_tokens: 100}}
  criteria: [relevance]
  budget_usd_per_day: 10
  window: 1h
  canaries: 0s
  repeat: 0
  sampling: {{share: 0.4, floor: 0.1, by: [model]}}
"""


def honest(question: Question) -> str:
    """Passes answers about the bus, and quotes what is bad."""
    text = question.texts["answer"]
    return said("yes", "Line 12") if "Line 12" in text else said("no", text[:10])


PAIRS = """  pairs:
    sizes: {by: model, first: large, second: tiny, criterion: relevance}
  sampling:"""


def better(question: Question) -> str:
    """As `honest`; of two answers the one about the bus is better."""
    texts = [text for label, text in question.texts.items() if "answer" in label]
    if len(texts) < 2:
        return honest(question)
    good = ["Line 12" in text for text in texts]
    return said("tie" if good[0] == good[1] else "a" if good[0] else "b")


def two_sides(hours: int, an_hour: int = AN_HOUR) -> Iterator[dict[str, Any]]:
    """Every prompt is answered twice, well by one model and badly by the other."""
    for number, call in enumerate(log(hours, bad_share=0.0, an_hour=an_hour)):
        call["prompt"], call["model"] = f"Question {number // 2}?", ("large", "tiny")[number % 2]
        call["response"] = call["response"] if number % 2 == 0 else f"{BAD} {number}"
        yield call


def log(
    hours: int, bad_share: float = 0.2, start: datetime = START, an_hour: int = AN_HOUR
) -> Iterator[dict[str, Any]]:
    """Thirty calls an hour by two models, a part of which is answered badly."""
    random = np.random.default_rng(1)
    for number in range(hours * an_hour):
        at = start + number * HOUR / an_hour
        answer = BAD if random.random() < bad_share else GOOD
        yield {
            "id": f"c{int(at.timestamp())}",
            "started_at": at.isoformat(),
            "latency_s": 1.0,
            "model": ("large", "tiny")[number % 5 == 0],
            "session_id": f"s{number // 2}",
            "prompt": f"Which bus goes to the airport? {number}",
            "response": f"{answer} {number}",
        }


def _hasty(connection: Any, _record: Any) -> None:
    """No power is cut here: commits need not wait for a disk that other tests use too."""
    connection.execute("PRAGMA synchronous=OFF")


def never() -> bool:
    """Nobody asks the service to stop."""
    return False


@dataclass
class Story:
    """A service in its folder, and the time."""

    folder: Path
    server: FakeJudge
    now: datetime = START
    config: str = CONFIG
    changes: dict[str, str] = field(default_factory=dict)
    _house: House | None = None

    def write(self, calls: Iterable[dict[str, Any]], name: str = "log.jsonl") -> None:
        """Adds to the log."""
        with (self.folder / name).open("a") as file:
            file.writelines(json.dumps(call) + "\n" for call in calls)

    @property
    def house(self) -> House:
        """The service, opened when it is first asked for."""
        if self._house is None:
            text = self.config.format(url=self.server.url, model=MODEL, key=KEY)
            for old, new in self.changes.items():
                assert old in text, old
                text = text.replace(old, new)
            (self.folder / "watchkeeper.yaml").write_text(text)
            self._house = open_house(load(self.folder / "watchkeeper.yaml", {}))
            event.listen(self._house.database.engine, "connect", _hasty)
            self._house.database.engine.dispose()
        return self._house

    @property
    def outside(self) -> Outside:
        """In the time of the story; waiting for the endpoint takes none of the service's."""
        return Outside(lambda: self.now, lambda: self.server.now, self.server.pause, never)

    def read(self) -> None:
        """One cycle of the source."""
        for watched in self.house.sources.values():
            cycle(self.house, watched, self.now, never)

    def look(self, at: datetime | None = None) -> int:
        """Reads what is new, and looks with the judge."""
        self.now = at or self.now
        self.read()
        return look(self.house, self.outside)

    def restart(self) -> None:
        """As after a crash: whatever was in memory is gone."""
        if self._house is not None:
            self._house.close()
        self._house = None
