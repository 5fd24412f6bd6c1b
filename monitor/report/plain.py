"""Values made fit for JSON and for a page, whatever a log holds."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from monitor.clean import clean_text

SHOWN = 300  # characters of an exemplar
_LONG = 1_000_000


def beginning(text: str) -> str:
    """The first characters of a text, on one line."""
    return clean_text(" ".join(text[: 4 * SHOWN].split()), SHOWN)


def plain(value: Any) -> Any:
    """As JSON has it: times as ISO-8601, NaN and infinities as null, texts valid UTF-8."""
    if isinstance(value, Mapping):
        return {clean_text(str(key), SHOWN): plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return _single(value.item() if isinstance(value, np.generic) else value)


def _single(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value, _LONG)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else value
