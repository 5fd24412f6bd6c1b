"""Keeping what a URL holds out of what is shown."""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

_SECRET_PARAMETER = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_LONG_ENOUGH = 4  # a shorter secret is only taken out where it stands alone, or no message could be read


def scrubber(url: str) -> Callable[[str], str]:
    """A function that replaces the URL, its user information and its secret parameters in a text by `***`.

    A password that was not percent-encoded may have been cut into pieces by whoever parsed the URL, so pieces go too.
    """
    secrets = {url}
    user_information = re.search(r"//(.*)@", url, re.DOTALL)
    if user_information:
        secrets.add(user_information[1])
        password = user_information[1].partition(":")[2]
        secrets |= {password, unquote(password), *re.split(r"[@/?#]", password)}
    secrets |= {value for name, value in _parameters(url) if _SECRET_PARAMETER.search(name)}
    patterns = [_pattern(secret) for secret in sorted(secrets - {""}, key=len, reverse=True)]
    found = re.compile("|".join(patterns))
    return lambda text: found.sub("***", text)


def _parameters(url: str) -> list[tuple[str, str]]:
    try:
        query = urlsplit(url).query
    except ValueError:
        query = url.partition("?")[2]
    raw = [tuple(pair.split("=", 1)) for pair in query.split("&") if "=" in pair]
    return [*parse_qsl(query), *((name, value) for name, value in raw)]


def _pattern(secret: str) -> str:
    escaped = re.escape(secret)
    return escaped if len(secret) >= _LONG_ENOUGH else rf"(?<!\w){escaped}(?!\w)"
