"""What can be counted in one text without understanding it.

Embeddings do not see capitals, what comes after their last token, templates and wrappers; these numbers do.
"""

import hashlib
import json
import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from detectors.language import LANGUAGE_VERSION
from detectors.measurement import Floats
from detectors.sentiment import sentiment_version
from detectors.sketch import HASH_SPACE
from detectors.traffic import REFUSAL, REFUSAL_READ

DESCRIPTORS_VERSION = f"1/{LANGUAGE_VERSION}/refusal-{zlib.crc32(REFUSAL.encode()):08x}"

READ = 16_384  # characters of a text that patterns and shares read; lengths and duplicates are of the whole text
RETRY = "retry"
RETRY_S = 120.0  # an equal text from the same user within this time is a retry

Kind = Literal["number", "flag"]


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
    Descriptor(
        RETRY,
        "flag",
        "Repeats a prompt that its user or session sent within the 2 minutes before, but for case, white space and"
        " numbers; of all calls of the window, not of the sample.",
        "calls",
    ),
)
# Of a window beside a baseline (`detectors.familiar`): measurements of their own, named here for people.
FAMILIAR: tuple[Descriptor, ...] = (
    Descriptor("known_template", "flag", "Is of a form that texts of the baseline share.", "window"),
    Descriptor("new_template", "flag", "Is of a form that is not in the baseline and that others share.", "window"),
    Descriptor("out_of_vocabulary", "flag", "Share of the words that are not in the baseline.", "window"),
)
# Only where it is asked for (`text.sentiment`): it needs a package of its own.
SENTIMENT = Descriptor(
    "sentiment",
    "number",
    "From -1 (upset) to 1 (pleased), of texts in English, by VADER's lexicon; only with `text.sentiment`.",
    "window",
)
NUMBERS = tuple(each.name for each in DESCRIPTORS if each.kind == "number")
FLAGS = tuple(each.name for each in DESCRIPTORS if each.kind == "flag" and each.name != "duplicate")  # counted as such

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


def version_of(*, sentiment: bool) -> str:
    """The version of the descriptors with or without the one of `SENTIMENT`, which has to be installed then."""
    return f"{DESCRIPTORS_VERSION}/{sentiment_version()}" if sentiment else DESCRIPTORS_VERSION


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


def hash_of(text: str | None) -> int | None:
    """48 bits of the text's hash without case and white space; None for an empty one."""
    words = " ".join((text or "").casefold().split()).encode("utf-8", errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(words).digest()[:8], "big") % HASH_SPACE if words else None
