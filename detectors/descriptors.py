"""What can be counted in texts without understanding them, over a window, and how it changed against another.

Embeddings do not see capitals, what comes after their last token, templates and wrappers; these numbers do.
"""

import hashlib
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from detectors.intervals import Z, normal
from detectors.language import LANGUAGE_VERSION, language
from detectors.measurement import Floats, Key, Reason, Value
from detectors.sketch import HASH_SPACE, Histogram, Repeats
from detectors.traffic import REFUSAL, REFUSAL_READ

DESCRIPTORS_VERSION = f"1/{LANGUAGE_VERSION}/refusal-{zlib.crc32(REFUSAL.encode()):08x}"

READ = 16_384  # characters of a text that patterns and shares read; lengths and duplicates are of the whole text
RETRY_S = 120.0  # the same text from the same user within this time is a retry
SPREAD = 0.02  # the least standard deviation of a baseline: a bin of the sketch for lengths, 2 points for shares

Kind = Literal["number", "flag"]
_Numbers = tuple[float | None, float | None, float | None, float | None, float | None]


class Descriptor(NamedTuple):
    """One thing that is counted.

    Attributes:
        name: the value of the label `descriptor`.
        kind: a number of each text, or a flag (0 or 1) of it.
        meaning: what it is, in one sentence.
        of: what it needs to see: one `text`, the texts of a `window`, or the `calls` with their users and times.
    """

    name: str
    kind: Kind
    meaning: str
    of: Literal["text", "window", "calls"] = "text"


DESCRIPTORS: tuple[Descriptor, ...] = (
    Descriptor("characters", "number", "Characters of the text."),
    Descriptor(
        "tokens", "number", "Words (a long one counts once per 8 letters), signs and CJK characters: no tokenizer's."
    ),
    Descriptor("lines", "number", "Lines of the text without the empty ones around it."),
    Descriptor("upper_case", "number", "Share of upper-case letters among the letters that have a case."),
    Descriptor("non_ascii", "number", "Share of characters outside of ASCII."),
    Descriptor("code", "flag", "Holds a fenced block, or two lines that look like code."),
    Descriptor("json", "flag", "Is a JSON object or array, or holds a fence marked json."),
    Descriptor("markdown", "flag", "Holds a heading, fence, table, bold text or link of markdown, or two list items."),
    Descriptor("url", "flag", "Holds a web address."),
    Descriptor("refusal", "flag", "Opens like a refusal; the pattern of refusal_ratio."),
    Descriptor("empty", "flag", "Holds nothing but white space."),
    Descriptor("language_known", "flag", "Its language could be told.", "window"),
    Descriptor("duplicate", "flag", "Repeats an earlier text of the window, but for case and white space.", "window"),
    Descriptor("retry", "flag", "Repeats a text that its user or session sent within the 2 minutes before.", "calls"),
)
NUMBERS = tuple(each.name for each in DESCRIPTORS if each.kind == "number")
FLAGS = tuple(each.name for each in DESCRIPTORS if each.kind == "flag" and each.name != "duplicate")  # counted as such
# Compared by their logarithms: one text of a megabyte must not hide the rest.
LENGTHS = ("characters", "tokens", "lines")

# All patterns take linear time: repeats are bounded, or possessive, and a line or sign starts each match.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKENS = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]{{1,8}}|[^\w\s]|_")
_CODE_LINES = (
    r"(?:async )?def \w{1,60}\(",
    r"class \w{1,60} ?(?:[(:{<]|extends |implements |$)",
    r"import (?:[\w.]{1,80}(?: as \w{1,40})?|[{*].{1,200}) ?;?$",
    r"from [\w.]{1,80} import |#include\b|#!/",
    r"return (?:\w{1,60};?$|.{0,80}[;()\[\]=+*])",
    r"(?:const|let|var) \w{1,60} ?=",
    r"(?:export |public |private |static ){0,3}(?:async )?(?:function|func|fn|void) ?\w{0,60}\(",
    r"(?i:select .{1,200} from |insert into |create table )",
    r"(?:if|for|while|elif|else|switch)\b.{0,200}[{:]$",
    r"</?[a-z][a-z0-9]{0,20}[ >/]",
    r"""[\w.\[\]]{1,60} [+:]?= (?:["'\[{]|\w{1,60}\.\w{1,60}\(|.{1,200};$)""",
    r"""(?:.{0,200}(?:[)\]}"'];|\{)|\}[;,)]{0,3})$""",
)
_CODE = re.compile(rf"^[ \t]*+(?:{'|'.join(_CODE_LINES)})", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]{0,3}```", re.MULTILINE)
_JSON_FENCE = re.compile(r"^[ \t]{0,3}```json\b", re.MULTILINE | re.IGNORECASE)
_MARKDOWN = re.compile(
    r"^#{1,6} \S|^[ \t]{0,3}```|^\|?[ :]{0,3}-{3,80}[ :]{0,3}\|"
    r"|\*\*[^*\s][^*\n]{0,200}\*\*|\[[^\[\]\n]{1,200}\]\([^()\s]",
    re.MULTILINE,
)
_ITEM = re.compile(r"^[ \t]{0,12}(?:[-*+]|\d{1,3}[.)]) \S", re.MULTILINE)
_URL = re.compile(r"https?://[^\s/]|\bwww\.\w", re.IGNORECASE)
_REFUSAL = re.compile(REFUSAL)


def describe(texts: Sequence[str | None]) -> dict[str, Floats]:
    """Each descriptor of single texts by name, shape (n,): numbers, and flags as 0 or 1. NaN is unknown.

    A missing text has nothing that is known; of an empty one only that it is empty and has no length.
    """
    rows = [_describe(text) for text in texts]
    names = [each.name for each in DESCRIPTORS if each.of == "text"]
    return {name: np.array([row.get(name, math.nan) for row in rows], dtype=np.float64) for name in names}


def _describe(text: str | None) -> dict[str, float]:
    if text is None:
        return {}
    body = text.strip()
    lengths = {"characters": len(text), "tokens": tokens(body), "lines": body.count("\n") + 1 if body else 0}
    if not body:
        return {**lengths, "empty": 1.0}
    read = body[:READ]
    flags = {name: float(looks_so(read)) for name, looks_so in _LOOKS.items()}
    return {**lengths, **flags, **_shares(read), "json": float(_is_json(body)), "empty": 0.0}


def tokens(text: str) -> float:
    """About how many tokens a text has: pieces of words of up to 8 letters, signs, and CJK characters.

    Comparable between windows, not with a bill. Of a long text the first `READ` characters are counted and scaled up.
    """
    read = text[:READ]
    found = sum(1 for _ in _TOKENS.finditer(read))
    return found * (len(text) / len(read)) if read else 0.0


def _shares(text: str) -> dict[str, float]:
    upper, lower = sum(map(str.isupper, text)), sum(map(str.islower, text))
    ascii_only = len(text.encode("ascii", errors="ignore"))
    return {
        "upper_case": upper / (upper + lower) if upper + lower else math.nan,
        "non_ascii": 1 - ascii_only / len(text),
    }


def _is_code(text: str) -> bool:
    return _FENCE.search(text) is not None or _at_least_two(_CODE, text)


def _is_markdown(text: str) -> bool:
    return _MARKDOWN.search(text) is not None or _at_least_two(_ITEM, text)


def _is_json(text: str) -> bool:
    """Long texts are only looked at from both ends: parsing a megabyte takes longer than all the rest."""
    if _JSON_FENCE.search(text, 0, READ):
        return True
    if (text[0], text[-1]) not in (("{", "}"), ("[", "]")):
        return False
    if len(text) > READ:
        return '"' in text[:READ]
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_refusal(text: str) -> bool:
    return _REFUSAL.search(text[:REFUSAL_READ].lower().replace("\u2019", "'")) is not None


def _at_least_two(pattern: re.Pattern[str], text: str) -> bool:
    found = pattern.finditer(text)
    return next(found, None) is not None and next(found, None) is not None


_LOOKS: Mapping[str, Callable[[str], bool]] = {
    "code": _is_code,
    "markdown": _is_markdown,
    "url": lambda text: _URL.search(text) is not None,
    "refusal": _is_refusal,
}


def retries(
    texts: Sequence[str | None],
    users: Sequence[str | None],
    sessions: Sequence[str | None],
    ats: Floats,
) -> Floats:
    """Whether each call repeats a text that its user or session sent at most `RETRY_S` before; shape (n,), NaN unknown.

    Equal are texts that differ in case and white space only. The first call of a storm is no retry. Unknown are calls
    without a text, without a time (`ats`, epoch seconds), or with neither user nor session. Calls need no order.
    """
    flags = np.full(len(texts), math.nan)
    last: dict[tuple[str, str, int], float] = {}
    for row in np.argsort(ats, kind="stable"):
        text, at = _hash(texts[row]), float(ats[row])
        senders = [(kind, who) for kind, who in (("user", users[row]), ("session", sessions[row])) if who]
        if text is None or math.isnan(at) or not senders:
            continue
        flags[row] = any(at - last.get((*sender, text), -math.inf) <= RETRY_S for sender in senders)
        last.update({(*sender, text): at for sender in senders})
    return flags


def _hash(text: str | None) -> int | None:
    """48 bits of the text's hash without case and white space; None for an empty one."""
    words = " ".join((text or "").casefold().split()).encode("utf-8", errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(words).digest()[:8], "big") % HASH_SPACE if words else None


@dataclass(frozen=True, slots=True)
class Summary:
    """The descriptors of many texts. Merging is exact: the summary of parts merged is the summary of the whole.

    Attributes:
        texts: how many texts there are, missing ones among them.
        numbers: the distribution of each number.
        flags: of each flag how many texts have it, and of how many it is known.
        languages: how many texts are in each language, by code; unknown is none.
        repeats: how often each text occurs.
        version: of the descriptors; summaries of different versions do not merge or compare.
    """

    texts: int = 0
    numbers: Mapping[str, Histogram] = field(default_factory=lambda: dict.fromkeys(NUMBERS, Histogram()))
    flags: Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(FLAGS, (0, 0)))
    languages: Mapping[str, int] = field(default_factory=dict)
    repeats: Repeats = field(default_factory=Repeats)
    version: str = DESCRIPTORS_VERSION

    def merged(self, other: "Summary") -> "Summary":
        """The summary of the texts of both. Raises ValueError when the versions differ."""
        _same_version(self, other)
        return Summary(
            self.texts + other.texts,
            {name: self.numbers[name].merged(other.numbers[name]) for name in self.numbers},
            {name: (k + other.flags[name][0], n + other.flags[name][1]) for name, (k, n) in self.flags.items()},
            dict(sorted((Counter(self.languages) + Counter(other.languages)).items())),
            self.repeats.merged(other.repeats),
            self.version,
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; about 20 bytes for each different text up to 160 kB, and 5 kB."""
        return {
            "version": self.version,
            "texts": self.texts,
            "numbers": {name: histogram.to_json() for name, histogram in self.numbers.items()},
            "flags": {name: list(counts) for name, counts in self.flags.items()},
            "languages": dict(self.languages),
            "repeats": self.repeats.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Summary":
        """The summary that `to_json` wrote, of whichever version."""
        return cls(
            int(data["texts"]),
            {name: Histogram.from_json(histogram) for name, histogram in data["numbers"].items()},
            {name: (int(k), int(n)) for name, (k, n) in data["flags"].items()},
            {code: int(count) for code, count in data["languages"].items()},
            Repeats.from_json(data["repeats"]),
            str(data["version"]),
        )


def summarise(texts: Sequence[str | None], retried: Floats | None = None) -> Summary:
    """The summary of the texts of a window. `retried` is what `retries` gave for their calls, if that is known."""
    described = describe(texts)
    full = described["empty"] == 0
    languages = language(texts)
    described["language_known"] = np.where(full, [float(each is not None) for each in languages], math.nan)
    described["retry"] = np.full(len(texts), math.nan) if retried is None else retried
    return Summary(
        len(texts),
        {name: Histogram.of(described[name]) for name in NUMBERS},
        {name: _count(described[name]) for name in FLAGS},
        dict(sorted(Counter(filter(None, languages)).items())),
        Repeats.of(found for found in map(_hash, texts) if found is not None),
    )


def _count(flags: Floats) -> tuple[int, int]:
    return int(np.nansum(flags)), int(np.count_nonzero(~np.isnan(flags)))


def values(summary: Summary) -> dict[Key, Value]:
    """The measurements of a window: means, ratios, and languages among the texts with a known one.

    Intervals are normal for means and Wilson's for ratios, as if texts were independent; repeated ones are not,
    so that of `duplicate` is too narrow. A language has a value only where some text is in it.
    """
    missing = Reason.NO_VALUES if summary.texts else Reason.NO_CALLS
    found = {}
    for name, histogram in summary.numbers.items():
        found[Key.of("descriptor_mean", descriptor=name)] = _mean(histogram, missing)
    for name, k, n in _flags(summary):
        found[Key.of("descriptor_ratio", descriptor=name)] = _ratio(k, n, missing)
    known = sum(summary.languages.values())
    for code, count in summary.languages.items():
        found[Key.of("language_ratio", language=code)] = _ratio(count, known, missing)
    return found


def _mean(histogram: Histogram, missing: Reason) -> Value:
    if not histogram.n:
        return Value(None, n=0, reason=missing)
    deviation = _moments(histogram, logarithms=False)[1]
    lower, upper = normal(*(np.array([each], dtype=np.float64) for each in (histogram.mean, deviation, histogram.n)))
    if histogram.n < 2:
        return Value(histogram.mean, n=histogram.n)
    return Value(histogram.mean, max(0.0, float(lower[0])), float(upper[0]), histogram.n)


def _ratio(k: float, n: int, missing: Reason) -> Value:
    return Value(k / n, *_wilson(k, n, Z), n) if n else Value(None, n=0, reason=missing)


def _flags(summary: Summary, m: int | None = None) -> Iterator[tuple[str, float, int]]:
    """Each flag with k of n; duplicates among m texts, or as many as there are."""
    for name, (k, n) in summary.flags.items():
        yield name, float(k), n
    n = summary.repeats.n if m is None else m
    yield "duplicate", summary.repeats.duplicates(n) * n if n else 0.0, n


def _moments(histogram: Histogram, logarithms: bool) -> tuple[float, float]:
    """Mean and sample standard deviation of the numbers or of log(1 + number), from the bins; NaN where too few."""
    numbers, counts = histogram.table()
    if logarithms:
        numbers = np.log1p(numbers)
    n = counts.sum()
    if not n:
        return math.nan, math.nan
    mean = float(np.dot(numbers, counts) / n)
    return mean, float(np.sqrt(np.dot((numbers - mean) ** 2, counts) / (n - 1))) if n > 1 else math.nan


class Change(NamedTuple):
    """How one descriptor changed; None where one side does not know it.

    Attributes:
        name: of the descriptor, or the code of the language.
        kind: what it is.
        before, now: medians of numbers, shares of flags and languages.
        difference: of shares, now minus before; of numbers, of their means in standard deviations of `before` (lengths:
            of the means of log(1 + length)).
        lower, upper: its 95 % interval: Newcombe's, or Welch's.
        strength: the change that is sure, in standard deviations (of shares: Cohen's h): at the interval's end that is
            nearer to no change; 0 when the interval holds no change.
    """

    name: str
    kind: Literal["number", "flag", "language"]
    before: float | None
    now: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    strength: float


def change(now: Summary, before: Summary) -> list[Change]:
    """How the texts changed, the surest and largest change first. Raises ValueError when the versions differ.

    Duplicates are compared at the size of the smaller side. A baseline's spread counts as `SPREAD` at least.
    """
    _same_version(now, before)
    found = [_number_change(name, now.numbers[name], before.numbers[name]) for name in NUMBERS]
    size = min(now.repeats.n, before.repeats.n)
    for (name, k, n), (_, k_before, n_before) in zip(_flags(now, size), _flags(before, size), strict=True):
        found.append(_share_change(name, "flag", (k, n), (k_before, n_before)))
    known, known_before = sum(now.languages.values()), sum(before.languages.values())
    for code in sorted({*now.languages, *before.languages}):
        counts = (now.languages.get(code, 0), known), (before.languages.get(code, 0), known_before)
        found.append(_share_change(code, "language", *counts))
    return sorted(found, key=lambda each: (-each.strength, -abs(each.difference or 0.0)))


def _number_change(name: str, now: Histogram, before: Histogram) -> Change:
    (mean, deviation), (mean_before, deviation_before) = (_moments(each, name in LENGTHS) for each in (now, before))
    errors = np.array([deviation**2 / max(now.n, 1), deviation_before**2 / max(before.n, 1)])
    scale = max(deviation_before, SPREAD)
    difference = (mean - mean_before) / scale
    half = math.sqrt(errors.sum()) / scale * _student(errors, np.array([now.n - 1, before.n - 1]))
    numbers = (before.quantile(0.5), now.quantile(0.5), difference, difference - half, difference + half)
    return Change(name, "number", *_known(*numbers), _strength(difference, difference, half))


def _student(errors: Floats, freedom: Floats) -> float:
    """The 97.5 % quantile of Student's t at Welch's degrees of freedom.

    Source: Abramowitz and Stegun 26.7.5, four terms: within 1 % from 3 degrees on.
    """
    if not errors.sum() > 0:
        return Z
    nu = errors.sum() ** 2 / np.sum(errors**2 / freedom)
    terms = (Z**3 + Z) / 4, (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96, (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + sum(float(term / nu**power) for power, term in enumerate(terms, start=1))


def _share_change(
    name: str, kind: Literal["flag", "language"], now: tuple[float, int], before: tuple[float, int]
) -> Change:
    p, p_before = (k / n if n else math.nan for k, n in (now, before))
    lower, upper = newcombe(*now, *before)
    difference = p - p_before
    effect = 2 * (math.asin(math.sqrt(min(p, 1.0))) - math.asin(math.sqrt(min(p_before, 1.0))))
    strength = _strength(effect, difference, difference - lower if difference > 0 else upper - difference)
    return Change(name, kind, *_known(p_before, p, difference, lower, upper), strength)


def _strength(effect: float, difference: float, half: float) -> float:
    """The effect at the interval's end that is nearer to no change; 0 when that is inside, or nothing is known."""
    sure = abs(difference) > half
    return abs(effect) * (1 - half / abs(difference)) if sure else 0.0


def newcombe(k1: float, n1: int, k2: float, n2: int, z: float = Z) -> tuple[float, float]:
    """The interval of the difference of two independent shares, k1/n1 - k2/n2; NaN where one has no trials.

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17 (1998), method 10 (hybrid score, from Wilson's intervals).
    """
    if not n1 or not n2:
        return math.nan, math.nan
    p1, p2 = k1 / n1, k2 / n2
    (lower1, upper1), (lower2, upper2) = _wilson(k1, n1, z), _wilson(k2, n2, z)
    return p1 - p2 - math.hypot(p1 - lower1, upper2 - p2), p1 - p2 + math.hypot(upper1 - p1, p2 - lower2)


def _wilson(k: float, n: int, z: float) -> tuple[float, float]:
    """As `detectors.intervals.wilson`, of one pair at any level."""
    p, scale = k / n, 1 + z**2 / n
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (max(0.0, (centre - half) / scale) if k > 0 else 0.0), (min(1.0, (centre + half) / scale) if k < n else 1.0)


def _same_version(one: Summary, other: Summary) -> None:
    if one.version != other.version:
        raise ValueError(f"descriptors of version {one.version} and {other.version} cannot be compared")


def _known(before: float, now: float, difference: float, lower: float, upper: float) -> _Numbers:
    def known(number: float) -> float | None:
        return None if math.isnan(number) else number

    return known(before), known(now), known(difference), known(lower), known(upper)


def merged(summaries: Iterable[Summary]) -> Summary:
    """One summary of many; empty of none."""
    whole = Summary()
    for each in summaries:
        whole = whole.merged(each)
    return whole
