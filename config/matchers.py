"""Matchers of labels, as Alertmanager writes them: `rule=errors`, `service!=batch`, `model=~gpt-4.*`, `route!~/in/.*`.

An expression is RE2's, matches the whole value, and takes time in proportion to the value: a label comes from the log
and must not be able to stop the service.
"""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator

from config.words import shown

Operator = Literal["=", "!=", "=~", "!~"]

LONGEST_VALUE = 500
_MATCHER = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_EXAMPLE = "write it as rule=errors, service!=batch, model=~gpt-4.* or route!~/internal/.*"


class Matcher(NamedTuple):
    """A condition on one label; a label that is not there has the empty value."""

    name: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"


def parse_matcher(text: str) -> Matcher:
    """Reads a matcher; the value may stand in double quotes.

    Raises:
        ValueError: it is none; the message says what would be right.
    """
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(f"{shown(text)} is not a matcher: {_EXAMPLE}")
    name, operator, value = found.groups()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if len(value) > LONGEST_VALUE:
        raise ValueError(f"the value for {name} is longer than {LONGEST_VALUE} characters")
    if operator in ("=~", "!~"):
        _check_expression(value)
    return Matcher(name, operator, value)  # type: ignore[arg-type]  # the pattern has only these four


def _check_expression(pattern: str) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern=pattern)
    except pa.ArrowInvalid as error:
        reason = str(error).partition("expression: ")[2] or "it cannot be read"
        raise ValueError(f"{shown(pattern)} is not a regular expression of RE2 ({reason})") from None


def _checked(text: str) -> str:
    parse_matcher(text)
    return text


MatcherText = Annotated[str, AfterValidator(_checked)]
