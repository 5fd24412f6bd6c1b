"""Which words and templates the texts of a baseline have, and how many of other texts it does not know.

A template is a text with its changing parts masked: numbers, names, addresses, what stands in quotes. A new client that
sends its own wrapper around the same questions, or a feature with words of its own, is seen here at once, where a mean
of embeddings hardly moves.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.intervals import Z, wilson_of
from detectors.measurement import Key, Reason, Value
from detectors.sketch import HASH_SPACE, Repeats

CELLS = 1 << 20  # with 140,000 different items four of a hundred unknown ones pass for known, with 50,000 one in 400
LEAST_TEXTS = 3  # of a baseline or window that share a form, so that it is a template
READ = 4_000  # characters of a text
_WORDS_OF_A_FORM = 24  # a template is told by how a text begins: what it wraps comes after that
_SLICES = (0, 20, 40)  # bits of a hash: where its three cells are
_FULL = 255
_SEEN_WORDS = 1 << 18

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W\d_{_CJK}]{{2,30}}")
# In this order. Repeats are bounded, so that no text takes long. A capital inside a sentence is a name.
_MASKS = (
    (re.compile(r"https?://\S{1,500}|\bwww\.\S{1,500}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"), " ADDRESS "),
    (re.compile(r"\"[^\"]{1,500}\"|“[^”]{1,500}”|`[^`]{1,500}`"), " QUOTE "),
    (re.compile(r"\b[^\W\d_]{0,40}\d[\w.,:/-]*"), " NUMBER "),
    (re.compile(r"(?<=[a-z,;] )[A-Z][\w'-]{0,60}(?: [A-Z][\w'-]{0,60}){0,4}"), " NAME "),
)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """About how many texts have an item, in little space: never too few, too many where others share its cells.

    Merging is exact. Source: Fan, Cao, Almeida and Broder, "Summary cache", IEEE/ACM Transactions on Networking 8
    (2000): a Bloom filter that counts; cells stop at 255.

    Attributes:
        cells: (`CELLS`,).
    """

    cells: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(CELLS, np.uint8))

    @classmethod
    def of(cls, items: Iterable[int]) -> "Counts":
        """From hashes of 60 bits, each as often as texts have it."""
        cells = np.zeros(CELLS, np.int64)
        known = np.fromiter(items, np.int64)
        for place in _places(known):
            np.add.at(cells, place, 1)
        return cls(np.minimum(cells, _FULL).astype(np.uint8))

    def __call__(self, items: Sequence[int]) -> NDArray[np.uint8]:
        """Of each item, (k,)."""
        known = np.asarray(items, np.int64)
        return np.asarray(np.minimum.reduce([self.cells[place] for place in _places(known)]), np.uint8)

    def merged(self, other: "Counts") -> "Counts":
        """Of the texts of both."""
        return Counts(np.minimum(self.cells.astype(np.int64) + other.cells, _FULL).astype(np.uint8))


@dataclass(frozen=True, slots=True)
class Unfamiliar:
    """Texts beside what is known. Merging is exact.

    Attributes:
        texts: that are not empty.
        known: of these, those whose form is a template of the baseline.
        forms: the forms that no text of the baseline has.
        words: different words of each text, added up.
        unknown: of these, those that the baseline does not have.
        squares: Σ w², Σ u w and Σ u² over the texts, w its words and u those unknown: for the interval.
    """

    texts: int = 0
    known: int = 0
    forms: Repeats = field(default_factory=Repeats)
    words: int = 0
    unknown: int = 0
    squares: tuple[int, int, int] = (0, 0, 0)

    @property
    def new(self) -> int:
        """Texts of new templates: of a form that the baseline does not have and three or more of these share."""
        return sum(count for count in self.forms.counts.values() if count >= LEAST_TEXTS)

    def merged(self, other: "Unfamiliar") -> "Unfamiliar":
        """The texts of both."""
        a, b = self.squares, other.squares
        return Unfamiliar(
            self.texts + other.texts,
            self.known + other.known,
            self.forms.merged(other.forms),
            self.words + other.words,
            self.unknown + other.unknown,
            (a[0] + b[0], a[1] + b[1], a[2] + b[2]),
        )

    @property
    def vocabulary(self) -> tuple[float, float]:
        """How many of how many independent words are unknown, so that the share is as sure as that of these texts:
        words of one text come together. (Kish, Survey Sampling, 1965: the design effect of a ratio of sums.)"""
        if not self.words:
            return 0.0, 0.0
        r = self.unknown / self.words
        ww, uw, uu = self.squares
        variance = max(uu - 2 * r * uw + r**2 * ww, 0.0) / self.words**2
        n = min(r * (1 - r) / variance, self.words) if variance > 0 else float(self.texts)
        return r * n, n


@dataclass(frozen=True, slots=True, eq=False)
class Familiar:
    """What the texts of a baseline have, and how many of its own later texts do not.

    Attributes:
        words: in how many of the earlier texts a word is.
        forms: how many of them have a form.
        later: the later texts beside these, each window's for itself: known, texts of new templates, texts, and as in
            `Unfamiliar.vocabulary`.
    """

    words: Counts
    forms: Counts
    later: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Familiar":
        """Of some texts, without any later ones."""
        words: list[int] = []
        forms: list[int] = []
        for text in texts:
            words.extend(map(_hash, words_of(text)))
            form = form_of(text)
            if form:
                forms.append(_hash_form(form))
        return cls(Counts.of(words), Counts.of(forms))

    def beside(self, texts: Iterable[str]) -> Unfamiliar:
        """Texts beside these."""
        found, forms, squares = Counter[str](), Counter[int](), [0, 0, 0]
        for text in texts:
            words = words_of(text)
            form = form_of(text)
            if form:
                forms[_hash_form(form)] += 1
            if words:
                unknown = int(np.count_nonzero(self.words([_hash(word) for word in words]) == 0))
                found.update(words=len(words), unknown=unknown)
                squares = [
                    one + more
                    for one, more in zip(squares, (len(words) ** 2, unknown * len(words), unknown**2), strict=True)
                ]
        hashes = list(forms)
        counts = dict(zip(hashes, self.forms(hashes).tolist(), strict=True))
        known = sum(n for form, n in forms.items() if counts[form] >= LEAST_TEXTS)
        new = (form % HASH_SPACE for form in forms.elements() if not counts[form])
        return Unfamiliar(
            forms.total(),
            known,
            Repeats.of(new),
            found["words"],
            found["unknown"],
            (squares[0], squares[1], squares[2]),
        )

    def with_later(self, windows: Iterable[Sequence[str]]) -> "Familiar":
        """With what later texts, by window, are beside these."""
        each = [self.beside(texts) for texts in windows]
        whole = Unfamiliar()
        for one in each:
            whole = whole.merged(one)
        new = sum(one.new for one in each)
        return replace(self, later=(float(whole.known), float(new), float(whole.texts), *whole.vocabulary))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        return {"words": self.words.cells, "forms": self.forms.cells, "later": np.array(self.later)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Familiar":
        """What `arrays` gave."""
        known, new, texts, unknown, words = (float(each) for each in arrays["later"])
        return cls(Counts(arrays["words"]), Counts(arrays["forms"]), (known, new, texts, unknown, words))


KEYS = (Key.of("template_ratio", kind="known"), Key.of("template_ratio", kind="new"), Key("out_of_vocabulary_ratio"))


def shares(found: Unfamiliar) -> tuple[tuple[float, float], ...]:
    """How many of how many, in the order of `KEYS`."""
    return (found.known, found.texts), (found.new, found.texts), found.vocabulary


def usual(familiar: Familiar) -> tuple[tuple[float, float], ...]:
    """The same of the baseline's own later texts."""
    known, new, texts, unknown, words = familiar.later
    return (known, texts), (new, texts), (unknown, words)


def values(found: Unfamiliar | None) -> dict[Key, Value]:
    """The measurements of a window; of a baseline that does not have them (None) reasons."""
    if found is None:
        return dict.fromkeys(KEYS, Value(None, reason=Reason.ERROR))
    counted = (found.texts, found.texts, found.words)
    return {key: _ratio(*share, n) for key, share, n in zip(KEYS, shares(found), counted, strict=True)}


def _ratio(k: float, n: float, counted: int) -> Value:
    return Value(k / n, *wilson_of(k, n, Z), counted) if n else Value(None, n=0, reason=Reason.NO_VALUES)


def words_of(text: str) -> set[str]:
    """The different words of a text: two letters or more, or one CJK character; without case."""
    return set(_WORD.findall(text[:READ].casefold()))


def form_of(text: str) -> str:
    """The beginning of a text with what changes masked; empty of an empty text.

    Two texts that differ in numbers, names, addresses and quotations only have the same form, and so have two that
    begin with the same 24 words.
    """
    read = " ".join(text[:READ].split())
    for pattern, mask in _MASKS:
        read = pattern.sub(mask, read)
    return " ".join(read.casefold().split()[:_WORDS_OF_A_FORM])


@lru_cache(maxsize=_SEEN_WORDS)
def _hash(word: str) -> int:
    return _hash_form(word)


def _hash_form(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 4


def _places(items: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """(k,) the cells of each hash, three times."""
    return [(items >> bits) & (CELLS - 1) for bits in _SLICES]
