"""What redaction looks for: e-mail addresses, phone numbers, payment cards, keys and tokens.

Every pattern is linear in the text: repetitions are possessive or bounded, and start only where a run of their
characters starts. Each finder gives the stretches to take out, left to right, without overlaps.
"""

import re
from collections.abc import Callable, Iterator

Span = tuple[int, int]

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]++@(?:[\w-]++\.)+[A-Za-z][A-Za-z0-9-]*+(?<=[A-Za-z0-9]{2})")

# Known shapes of credentials. The first characters are kept literal, so that a search is fast.
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{16,}+"
    r"|(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}+"
    r"|gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_[A-Za-z0-9_]{20,}+"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|AIza[A-Za-z0-9_-]{30,}+"
    r"|glpat-[A-Za-z0-9_-]{16,}+|hf_[A-Za-z0-9]{20,}+"
    r"|eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+){1,3}"
    r")"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]|-(?!----))*+(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
_KEY_STARTS = (
    *("sk-", "xox", "xapp-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("AKIA", "ASIA", "AIza", "glpat-", "hf_", "eyJ", "PRIVATE KEY"),
)

# A name and its value; only the value is taken out. A password may be a plain word, the others hold a digit.
_NAMED = re.compile(
    r"(?i:(?<![a-z0-9])(?:passw(?:or)?d|pwd)|"
    r"(?<![a-z0-9])(?:api[_ -]?key|access[_-]?key|secret(?:[_-]?(?:key|access[_-]?key))?|token|authorization)"
    r"(?=\W{1,8}(?:bearer |basic )?[^\s\"'\[]{0,64}?[0-9]))"
    r"""\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?i:(?:bearer|basic)\s{1,4})?([^\s"'\\,;&<>()\[\]{}]{4,}+)"""
)
_NAMES = ("passw", "pwd", "key", "secret", "token", "authorization")
_BEARER = re.compile(r"(?i:(?<![a-z0-9])bearer\s{1,4})((?=[^\s]{0,64}?[0-9])[A-Za-z0-9._~+/=-]{16,}+)")
SECRET_NAME = re.compile(
    r"(?i)(?:.*[_-])?(?:passw(?:or)?d|pwd|api[_-]?key|access[_-]?key|secret|secret[_-]?key|token|authorization)"
)

_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_CARD = re.compile(r"(?<![\w.])[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}(?![\w])(?!\.[0-9])")
_DOUBLED = dict(zip("0123456789", (0, 2, 4, 6, 8, 1, 3, 5, 7, 9), strict=True))

_PHONE = re.compile(
    # +49 (0)30 1234567, +1 415-555-2671, +14155552671
    r"(?<![\w+])\+[1-9](?:[ ().\-/]{0,3}[0-9]){7,14}(?![0-9])"
    # (415) 555-2671, 415-555-2671, 415.555.2671, 1-800-555-2671
    r"|(?<![\w.\-/])(?:1[-. ])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-.])[2-9][0-9]{2}[-. ][0-9]{4}(?![\w\-/]|\.[0-9])"
    # 030 12345678, 0171/1234567, 020 7946 0958, 01 23 45 67 89
    r"|(?<![\w.,:\-/])\(?0[1-9](?:"
    r"[0-9]{0,3}\)?[ /-][1-9][0-9]{5,8}"
    r"|[0-9]{0,3}\)? [1-9][0-9]{2,3} [0-9]{3,4}"
    r"|(?: [0-9]{2}){4}(?! ?[0-9])"
    r")(?![\w:\-/]|[.,][0-9])"
)
_DIGITS = re.compile(r"[0-9][0-9 ().\-/]{6,}[0-9]")


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield match.span()


def keys(text: str) -> Iterator[Span]:
    """API keys, tokens, private keys, and what follows `password:`, `api_key=` or `Bearer`."""
    spans = []
    if any(start in text for start in _KEY_STARTS):
        spans += [match.span() for match in _KEY.finditer(text)]
    lower = text.lower()
    if (":" in text or "=" in text) and any(name in lower for name in _NAMES):
        spans += [match.span(1) for match in _NAMED.finditer(text)]
    if "bearer" in lower:
        spans += [match.span(1) for match in _BEARER.finditer(text)]
    end = 0
    for span in sorted(spans):
        if span[0] >= end:
            yield span
        elif span[1] > end:
            yield end, span[1]
        end = max(end, span[1])


def cards(text: str) -> Iterator[Span]:
    """Numbers of payment cards: the length and prefix of an issuer, and a checksum that holds (ISO/IEC 7812, Luhn)."""
    position = 0 if _longest_number(text) >= 13 else len(text)
    while match := _CARD.search(text, position):
        start = match.start()
        end = _card_end(text, start, match.end())
        if end and not _in_uuid(text, start, end):
            yield start, end
            position = end
        else:
            position = start + 4


def phones(text: str) -> Iterator[Span]:
    """Phone numbers: with a country code, or in a shape that only phone numbers have."""
    if _longest_number(text) >= (8 if "+" in text else 9):
        for match in _PHONE.finditer(text):
            if not _in_uuid(text, *match.span()):
                yield match.span()


FINDERS: dict[str, Callable[[str], Iterator[Span]]] = {"key": keys, "email": emails, "card": cards, "phone": phones}


def _longest_number(text: str) -> int:
    """Digits of the longest number in the text, in whatever groups: most texts hold no number worth a closer look."""
    return max((len(run) - run.count(" ") - run.count("-") for run in _DIGITS.findall(text)), default=0)


def _card_end(text: str, start: int, end: int) -> int | None:
    """Where the card ends: the longest stretch of whole groups that is one."""
    groups = re.split("[ -]", text[start:end])
    while groups:
        digits = "".join(groups)
        if len(digits) < 13:
            return None
        if _issued(digits) and _luhn(digits):
            return start + len(digits) + len(groups) - 1
        groups.pop()
    return None


def _issued(digits: str) -> bool:
    """Whether an issuer gives out numbers of this prefix and length."""
    length, two, four = len(digits), digits[:2], int(digits[:4])
    match digits[0]:
        case "2":
            return length == 16 and (2221 <= four <= 2720 or 2200 <= four <= 2204)
        case "3":
            return (
                (two in ("34", "37") and length == 15)
                or (two in ("30", "36", "38", "39") and length == 14)
                or (two == "35" and length == 16)
            )
        case "4":
            return length in (13, 16, 19)
        case "5":
            return length == 16 or (two not in ("51", "52", "53", "54", "55") and 13 <= length <= 19)
    return 16 <= length <= 19


def _luhn(digits: str) -> bool:
    doubled = sum(map(_DOUBLED.__getitem__, digits[-2::-2]))
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def _in_uuid(text: str, start: int, end: int) -> bool:
    match = _UUID.search(text, max(0, start - 36), end + 36)
    return match is not None and match.start() < end and start < match.end()
