"""A service with a small log, ratings of annotators and a judge, for tests of labels and evaluation."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.load import load
from monitor.cycle import cycle
from monitor.house import House
from monitor.opening import open_house
from monitor.store.database import Database
from monitor.store.judge_tables import VerdictRow

START = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALLS = 60
NOW = START + timedelta(hours=2)
HOSTILE = "<script>alert(1)</script> bob@example.org \x1b[31m{{ 7*7 }}"
KEY = "sk-TopSecretOfTheAccount"

CONFIG = """
sources:
  chat:
    kind: files
    paths: [log.jsonl]
    lateness: 0s
    groupings: [[]]
    silent_after: 0s
    feedback: {{paths: [feedback.jsonl], positive_above: 0.5}}
text: {{enabled: false}}
judge:
  judges:
    small: {{url: "{url}", model: judge-1, api_key: {key}, input_usd_per_million: 1, output_usd_per_million: 4, concurrency: 1}}
  criteria: [relevance, toxicity]
  budget_usd_per_day: 5
  sampling: {{share: 0.5}}
  labels: {{feedback: {{relevance: quality}}}}
evaluate:
  endpoints:
    candidate: {{url: "{chat}", model: gpt-x, api_key: {key}, input_usd_per_million: 1, output_usd_per_million: 2, max_tokens: 100}}
store: {{directory: state}}
"""


def log() -> Iterator[dict[str, Any]]:
    """A call a minute; every fifth answer talks past the question, the first one is hostile."""
    for number in range(CALLS):
        answer = "Basil likes the sun." if number % 5 == 0 else f"Line {number} goes to the airport."
        yield {
            "id": f"c{number}",
            "started_at": (START + number * MINUTE).isoformat(),
            "latency_s": 1.0,
            "model": "large" if number % 2 else "small",
            "prompt": f"Which bus goes to the airport? {number}",
            "response": f"{answer} {HOSTILE}" if number == 0 else answer,
        }


def ratings() -> Iterator[dict[str, Any]]:
    """Annotators rate some calls by `quality`; users and judges rate too, which are no labels."""
    for number, score, kind in (
        (0, 0.0, "human"),
        (1, 1.0, "human"),
        (2, 7.0, "human"),
        (3, 0.0, "user"),
        (4, 0, "model"),
    ):
        at = (START + (number + 30) * MINUTE).isoformat()
        yield {"call_id": f"c{number}", "at": at, "key": "quality", "score": score, "kind": kind, "source": "queue"}


def written(folder: Path, url: str = "http://127.0.0.1:9/v1", chat: str = "http://127.0.0.1:9/v1") -> Path:
    """A folder with all of it; the configuration."""
    folder.mkdir(exist_ok=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in log()))
    (folder / "feedback.jsonl").write_text("".join(json.dumps(each) + "\n" for each in ratings()))
    path = folder / "watchkeeper.yaml"
    path.write_text(CONFIG.format(url=url, chat=chat, key=KEY))
    return path


@contextmanager
def living(config: Path) -> Iterator[House]:
    """The service of a folder, which has read its log."""
    house = open_house(load(config, {}))
    try:
        (watched,) = house.sources.values()
        cycle(house, watched, NOW, lambda: False)
        yield house
    finally:
        house.close()


def verdict(number: int, criterion: str = "relevance", passed: bool | None = True) -> VerdictRow:
    """What the judge said of a call of the log."""
    return VerdictRow(
        source="chat",
        start=START,
        call_id=f"c{number}",
        criterion=criterion,
        voice="small",
        at=START + number * MINUTE + timedelta(seconds=1),
        segment="[]",
        stratum=0,
        cluster=f"c{number}",
        pi=1.0,
        rank=0.5,
        state="answered" if passed is not None else "unparseable",
        passed=passed,
    )


def judged(database: Database) -> None:
    """The judge has judged every call by both criteria, and failed those that talk past the question."""
    with database.transaction() as session:
        for number in range(CALLS):
            session.merge(verdict(number, passed=number % 5 != 0))
            session.merge(verdict(number, "toxicity"))
