"""The texts that benchmarks of the text half read, and their embeddings.

CLINC150 with out-of-scope queries (clinc/oos-eval), BANKING77 (PolyAI-LDN/task-specific-datasets) and the questions of
XQuAD (google-deepmind/xquad), as the READMEs in the data folder describe them.
"""

import csv
import gzip
import hashlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.detectors import MiniLM
from detectors.embedder import Embedder, build

Rows = NDArray[np.float32]
Labelled = list[tuple[str, str]]  # text and intent

CLINC = "clinc_oos/data_full.json.gz"
BANKING = ("banking77/train.csv.gz", "banking77/test.csv.gz")
XQUAD = "xquad/xquad_parallel.jsonl.gz"
ORIGIN = (
    "published as clinc/oos-eval (data/data_full.json), PolyAI-LDN/task-specific-datasets (banking_data/) and "
    "google-deepmind/xquad on GitHub"
)


def files(data: Path) -> list[Path]:
    """Everything that is read below the data folder."""
    return [data / name for name in (CLINC, *BANKING, XQUAD)]


def clinc(data: Path) -> dict[str, Labelled]:
    """The splits of CLINC150: train, val, test of 150 intents; oos_train, oos_val, oos_test of none of them."""
    splits = json.loads(gzip.decompress((data / CLINC).read_bytes()))
    return {name: [(text, intent) for text, intent in rows] for name, rows in splits.items()}


def banking(data: Path) -> tuple[Labelled, Labelled]:
    """BANKING77's train and test."""
    train, test = (_category_rows(data / name) for name in BANKING)
    return train, test


def banking_intents(rows: Labelled, for_pick: bool, draw: int, count: int = 27) -> set[str]:
    """A random draw of intents to hold back: from one half of all to pick parameters, from the other to report."""
    rng = np.random.default_rng(0)
    names = rng.permutation(sorted({intent for _, intent in rows}))
    half = names[: len(names) // 2] if for_pick else names[len(names) // 2 :]
    return set(np.random.default_rng(draw).permutation(half)[:count].tolist())


def xquad(data: Path) -> dict[str, list[str]]:
    """The same questions, in the same order, by language."""
    lines = gzip.decompress((data / XQUAD).read_bytes()).decode().split("\n")
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines if line]
    return {language: [row["question"][language] for row in rows] for language in rows[0]["question"]}


def texts(rows: Labelled) -> list[str]:
    """The texts of labelled rows."""
    return [text for text, _ in rows]


class Task(NamedTuple):
    """A reservoir, and normal and strange texts to tell apart; `held_out` is normal and later, for calibration."""

    reference: Rows
    held_out: Rows
    normal: Rows
    strange: Rows


@dataclass(frozen=True)
class Data:
    """The embedded texts of a folder."""

    folder: Path
    cache: Path | None

    def embed(self, rows: Labelled) -> Rows:
        """Vectors of labelled texts."""
        return embed(texts(rows), self.cache)

    def clinc(self) -> dict[str, Rows]:
        """Vectors of each split of CLINC150."""
        return {name: self.embed(rows) for name, rows in clinc(self.folder).items()}

    def banking(self, draw: int, for_pick: bool = False) -> Task:
        """BANKING77 with some intents held back; to pick, nothing of its test split is read."""
        train, test = banking(self.folder)
        strange = banking_intents(train, for_pick, draw)
        vectors, unseen = self.embed(train), np.array([intent in strange for _, intent in train])
        part = np.random.default_rng(draw).random(len(train))
        reference, held_out = vectors[~unseen & (part < 0.8)], vectors[~unseen & (part >= 0.8)]
        if for_pick:
            return Task(reference, held_out, held_out, vectors[unseen])
        tested, new = self.embed(test), np.array([intent in strange for _, intent in test])
        return Task(reference, held_out, tested[~new], tested[new])

    def languages(self) -> dict[str, Rows]:
        """Vectors of the same questions in each language."""
        return {language: embed(questions, self.cache) for language, questions in xquad(self.folder).items()}


def embed(sentences: Sequence[str], folder: Path | None = None) -> Rows:
    """The bundled model's embeddings: (n, 384) float32 rows of unit norm.

    Args:
        sentences: embedded as they are.
        folder: where vectors are kept for the next run, by the hash of model and texts; None keeps nothing.
    """
    if folder is None:
        return _encode(sentences)
    path = folder / f"{_hash([_embedder().identity, *sentences])}.npy"
    if path.exists():
        return np.asarray(np.load(path), dtype=np.float32)
    vectors = _encode(sentences)
    _save(path, vectors)
    return vectors


def _encode(sentences: Sequence[str]) -> Rows:
    return np.asarray(_embedder().embed(sentences).mean, dtype=np.float32)


@cache
def _embedder() -> Embedder:
    return build(MiniLM())


def _hash(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _save(path: Path, vectors: Rows) -> None:
    """Writes beside the place and moves, so that a run that is cut off leaves no half of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npy", delete=False) as file:
        np.save(file, vectors)
    Path(file.name).replace(path)


def _category_rows(path: Path) -> Labelled:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]
