"""Text from a log, made fit to be shown: it may hold lone surrogates, NUL, control characters, a megabyte."""

import hashlib

LABEL_LENGTH = 128
EMPTY = "__empty__"  # an empty label means "no such label" to Prometheus; an empty value in a log is a value


def clean_text(text: str, limit: int) -> str:
    """Valid UTF-8 on one line, control characters escaped, at most `limit` characters."""
    clean = text[: limit + 1]
    if not clean.isprintable():
        clean = "".join(character if character.isprintable() else _escaped(character) for character in clean)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def clean_lines(text: str, limit: int) -> str:
    """As `clean_text`, with its lines kept."""
    lines = "\n".join(clean_text(line, limit) for line in text[:limit].splitlines())
    return lines if len(text) <= limit else f"{lines}…"


def clean_label(text: str) -> str:
    """A label value: bounded, never empty, and different for different texts."""
    clean = clean_text(text, LABEL_LENGTH)
    if clean == text:
        return text or EMPTY
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{clean_text(text, LABEL_LENGTH - 9).rstrip('…')}…{digest}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
