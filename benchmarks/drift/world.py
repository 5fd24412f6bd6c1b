"""Simulated traffic of CLINC150: windows of texts whose mix of domains follows the day, and what can happen to it.

Every drawn text is jittered: its embedding is moved by noise to a cosine of about .99, and the live stream draws from
other jitters than the baseline, so no text of it can be recognised by its bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.texts import Data, Rows, clinc
from detectors import ood, topics
from detectors.drift.observed import Observed, Reference, Texts, described, observe
from detectors.features import Features, bandwidth, scan_radius
from detectors.neighbours import Indices, Numbers

DOMAINS = "clinc_oos/domains.json"
REFERENCE = 5_000
HELD_OUT_INTENTS = 15
JITTERS = 4
_JITTER = 0.1425  # length of the noise beside a unit vector: cosine .99


@dataclass(frozen=True, eq=False)
class Fitted:
    """What texts are seen beside: fitted as a baseline fits it, on texts that are in no window."""

    scorer: ood.Scorer
    calibration: Numbers
    centroids: Rows
    reference: Reference

    @classmethod
    def fit(cls, vectors: Rows, texts: list[str], later: Rows, seed: int) -> "Fitted":
        """With the shipped defaults: topics of all texts, a reservoir of the first 5,000, calibrated by later ones."""
        centroids, labels, _ = topics.fit(vectors, texts, seed)
        rows = vectors[:REFERENCE].astype(np.float16)
        scorer = ood.fit("knn", rows)
        features = Features(seed, bandwidth(rows), rows.shape[1])
        reference = Reference(rows, labels[:REFERENCE], len(centroids), features, scan_radius(rows))
        return cls(scorer, np.sort(scorer.scores(later)), centroids, reference)

    def see(self, vectors: Rows, texts: list[str]) -> Texts:
        """Texts beside it."""
        labels = topics.assign(self.centroids, vectors)
        return self.reference.see(
            vectors, labels, ood.p_values(self.scorer.scores(vectors), self.calibration), described(texts)
        )


def jittered(vectors: Rows, random: np.random.Generator) -> Rows:
    """The rows moved by noise, of unit norm."""
    noise = random.standard_normal(vectors.shape).astype(np.float32)
    moved = vectors + _JITTER * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, eq=False)
class Pool:
    """Texts that windows are drawn from: `JITTERS` of each of m, those of row i at i, i + m, i + 2m, …"""

    texts: Texts
    rows: int

    @classmethod
    def of(cls, fitted: Fitted, vectors: Rows, texts: list[str], random: np.random.Generator) -> "Pool":
        """Seen beside a reference."""
        moved = np.concatenate([jittered(vectors, random) for _ in range(JITTERS)])
        return cls(fitted.see(moved, texts * JITTERS), len(vectors))

    def draw(self, rows: Indices, random: np.random.Generator) -> Texts:
        """Each row in one of its jitters."""
        return self.texts.rows(rows + self.rows * random.integers(JITTERS, size=len(rows)))


@dataclass(frozen=True, eq=False)
class World:
    """Texts of one seed.

    Attributes:
        fitted: what they are seen beside.
        baseline, live: the same texts in different jitters.
        strange: out-of-scope texts.
        unseen: texts of intents that are in neither; `unseen_intent` of each.
        domain, intent: of each row of the pools.
    """

    fitted: Fitted
    baseline: Pool
    live: Pool
    strange: Pool
    unseen: Pool
    unseen_intent: NDArray[np.str_]
    domain: Indices
    intent: NDArray[np.str_]

    @classmethod
    def build(cls, data: Data, seed: int) -> "World":
        """A random split of the train texts: 15 intents held out, 5,000 texts as reference, the others in the pools."""
        random, rows = np.random.default_rng(seed), clinc(data.folder)
        vectors = {name: data.embed(rows[name]) for name in ("train", "val", "oos_test")}
        texts = {name: [text for text, _ in rows[name]] for name in vectors}
        intents = np.array([intent for _, intent in rows["train"]])
        held = set(random.permutation(sorted(set(intents)))[:HELD_OUT_INTENTS].tolist())
        known = np.array([intent not in held for intent in intents])
        later = np.array([intent not in held for _, intent in rows["val"]])
        order = random.permutation(np.flatnonzero(known))
        pool, hidden = order[REFERENCE:], np.flatnonzero(~known)
        train, words = vectors["train"], np.array(texts["train"])
        fitted = Fitted.fit(train[order], words[order].tolist(), jittered(vectors["val"][later], random), seed)
        by_domain: Mapping[str, list[str]] = json.loads((data.folder / DOMAINS).read_text())
        number = {intent: i for i, name in enumerate(sorted(by_domain)) for intent in by_domain[name]}
        return cls(
            fitted=fitted,
            baseline=Pool.of(fitted, train[pool], words[pool].tolist(), random),
            live=Pool.of(fitted, train[pool], words[pool].tolist(), random),
            strange=Pool.of(fitted, vectors["oos_test"], texts["oos_test"], random),
            unseen=Pool.of(fitted, train[hidden], words[hidden].tolist(), random),
            unseen_intent=intents[hidden],
            domain=np.array([number[intent] for intent in intents[pool]]),
            intent=intents[pool],
        )

    def rows(self, shares: Numbers, n: int, random: np.random.Generator) -> Indices:
        """n rows by shares of the domains."""
        counts = random.multinomial(n, shares)
        return np.concatenate([random.choice(self.members[i], k) for i, k in enumerate(counts)])

    def observe(self, start: float, texts: Texts) -> Observed:
        """A window of texts."""
        return observe(start, texts, self.fitted.reference.radius)

    @cached_property
    def members(self) -> list[Indices]:
        """Rows of each domain."""
        return [np.flatnonzero(self.domain == each) for each in range(int(self.domain.max()) + 1)]


def joined(one: Texts, other: Texts) -> Texts:
    """Both."""
    return Texts(*(np.concatenate([getattr(one, each.name), getattr(other, each.name)]) for each in fields(Texts)))


def paths(data: Path) -> list[Path]:
    """What is read."""
    return [data / "clinc_oos/data_full.json.gz", data / DOMAINS]
