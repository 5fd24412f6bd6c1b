"""A small service that reads texts: a log about six subjects with a seventh on its last day, and vectors without a model."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from config.load import load
from detectors.embedder import Embedded
from monitor.cycle import cycle
from monitor.house import House
from monitor.opening import open_house
from monitor.reading.cycle import read_texts

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END = START + 9 * DAY
NEW_TOPIC = START + 8 * DAY
AN_HOUR = 20  # calls
SUBJECTS = ("parcel", "refund", "password", "invoice", "voucher", "address")
WORDS = ("where", "is", "my", "please", "tell", "me", "now", "about", "the", "order")
HOSTILE = "recall recall <script>alert(1)</script></iframe>\"'&{{ 7*7 }}\ud800\x00 [a](javascript:x)"

CONFIG = """
sources:
  chat: {kind: files, paths: [log.jsonl], lateness: 0s, groupings: [[]], silent_after: 0s}
text: {streams: [prompt], baseline_days: 7, sample: 200}
window: 1h
start: 30d
"""


class WordVectors:
    """An embedder that needs no model: the normalised sum of a random vector for each word."""

    dimensions = 24

    def __init__(self, identity: str = "words") -> None:
        self.identity = identity

    def embed(self, given: Sequence[str], _cache: Any = None, progress: Any = None) -> Embedded:
        """As an embedder does, without a cache."""
        rows = np.array([self._of(text) for text in given], np.float32).reshape(len(given), self.dimensions)
        if progress is not None:
            progress(1.0)
        return Embedded(rows, rows, np.arange(len(given)))

    def _of(self, text: str) -> Any:
        total = sum((_vector(word) for word in text.split()), np.full(self.dimensions, 1e-3))
        return total / np.linalg.norm(total)


@cache
def _vector(word: str) -> Any:
    seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:4], "big")
    return np.random.default_rng(seed).normal(size=WordVectors.dimensions)


def log(new_share: float = 0.3, days: int = 9, response: bool = False) -> Iterator[dict[str, Any]]:
    """Twenty calls an hour about six subjects; from the ninth day on, some are about a seventh."""
    random = np.random.default_rng(3)
    for number in range(days * 24 * AN_HOUR):
        at = START + number * HOUR / AN_HOUR
        subject = str(random.choice(SUBJECTS))
        if at >= NEW_TOPIC and random.random() < new_share:
            subject = "recall battery fire danger"
        words = " ".join(random.choice(WORDS, 4))
        prompt = f"{subject} {subject} {subject} {words} {number}"
        call = {"id": f"c{number}", "started_at": at.isoformat(), "latency_s": 1.0, "prompt": prompt}
        yield call | ({"response": f"the {subject} {words} {number}"} if response else {})


def attacked_log() -> Iterator[dict[str, Any]]:
    """The same with other columns; from the ninth day on one model is asked about the seventh subject, and attacked."""
    random = np.random.default_rng(3)
    for number in range(9 * 24 * AN_HOUR):
        at = START + number * HOUR / AN_HOUR
        subject = str(random.choice(SUBJECTS))
        words, model = " ".join(random.choice(WORDS, 4)), str(random.choice(["large", "small"]))
        prompt = f"{subject} {subject} {subject} {words} {number}"
        if at >= NEW_TOPIC and random.random() < 0.25:
            prompt, model = f"recall battery fire danger {words} {number}", "large"
            if number % 5 == 0:
                prompt = f"{HOSTILE} {number % 7}"
        call = {"id": f"c{number}", "started_at": at.isoformat(), "latency_s": 1.0 + number % 3, "prompt": prompt}
        yield call | {
            "model": model,
            "environment": "production",
            "prompt_version": "<b>v2" if at >= NEW_TOPIC else "v1",
        }


SWAP = START + 8 * DAY
SWAPPED = START + 9.5 * DAY
PAIRED = CONFIG.replace("[prompt]", "[prompt, response]").replace("baseline_days: 7", "baseline_days: 7, window: 4h")


def swapped() -> Iterator[dict[str, Any]]:
    """Questions and answers; from the ninth day on one of two models answers many with another's answer, and markup."""
    random = np.random.default_rng(3)
    for number in range(round((SWAPPED - START) / HOUR) * AN_HOUR):
        at, model = START + number * HOUR / AN_HOUR, str(random.choice(["large", "small"]))
        subject, words = str(random.choice(SUBJECTS)), " ".join(random.choice(WORDS, 4))
        is_wrong = at >= SWAP and model == "small" and random.random() < 0.6
        about = str(random.choice([each for each in SUBJECTS if each != subject])) if is_wrong else subject
        yield {
            "id": f"c{number}",
            "started_at": at.isoformat(),
            "latency_s": 1.0,
            "model": model,
            "prompt": f"{subject} {subject} {subject} {words} {number}",
            "response": f"{about} {about} {about} is {random.choice(WORDS)} {number}{HOSTILE if is_wrong else ''}",
        }


def never() -> bool:
    """Nobody asks the service to stop."""
    return False


def written(folder: Path, calls: Iterable[dict[str, Any]], config: str = CONFIG) -> Path:
    """A folder with a configuration and a log."""
    folder.mkdir(exist_ok=True)
    (folder / "watchkeeper.yaml").write_text(config)
    (folder / "log.jsonl").write_text("".join(json.dumps(call) + "\n" for call in calls))
    return folder


def opened(folder: Path, identity: str = "words") -> House:
    """The service of a folder."""
    house = open_house(load(folder / "watchkeeper.yaml", {}))
    house.desk._embedder = WordVectors(identity)
    return house


def lived(house: House, until: datetime) -> int:
    """The service read traffic, and then texts until nothing was left to read; how many windows of texts."""
    (watched,) = house.sources.values()
    cycle(house, watched, until, never)
    return sum(iter(lambda: read_texts(house, watched, until, never), 0))
