"""Whether labels fit matchers."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from config.matchers import Matcher

_WORDS = re.compile(r"[\w-]+(\|[\w-]+)*")


def matches(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    """Whether some labels fit one matcher; a label that is missing has the empty value."""
    value = labels.get(matcher.name, "")
    if matcher.operator == "=":
        return value == matcher.value
    if matcher.operator == "!=":
        return value != matcher.value
    return _fits(matcher.value, value) == (matcher.operator == "=~")


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether some labels fit all matchers."""
    return all(matches(each, labels) for each in matchers)


@lru_cache(maxsize=8192)
def _fits(pattern: str, value: str) -> bool:
    """Whether an expression of RE2 matches a whole value."""
    if _WORDS.fullmatch(pattern):
        return value in pattern.split("|")
    import pyarrow as pa
    import pyarrow.compute as pc

    # Values come from the log: what UTF-8 cannot say would be an error.
    sayable = value.encode("utf-8", "replace").decode()
    return bool(pc.match_substring_regex(pa.array([sayable]), pattern=f"^(?s:{pattern})$")[0].as_py())
