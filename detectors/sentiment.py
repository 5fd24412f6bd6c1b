"""Whether an English text sounds pleased or upset, by the lexicon of VADER, where it is installed; the only door to it.

Source: Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM
2014. It was made for short informal English: watch how the mean changes, not its level.
"""

import math
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from detectors.measurement import Floats

READ = 2_000  # characters of a text: VADER takes quadratic time
ENGLISH = "en"
_PACKAGE = "vaderSentiment"


def is_installed() -> bool:
    """Whether sentiment can be measured here."""
    try:
        version(_PACKAGE)
    except PackageNotFoundError:
        return False
    return True


def sentiment_version() -> str:
    """Of the lexicon and what is read. Raises PackageNotFoundError where it is not installed."""
    return f"vader-{version(_PACKAGE)}-{READ}"


def sentiment(texts: Sequence[str | None], languages: Sequence[str | None]) -> Floats:
    """From -1 (upset) to 1 (pleased), (n,); NaN for texts that are missing, empty or not in English.

    Args:
        texts: n of them.
        languages: n codes, None where it is not known.
    """
    return np.array([_of(*each) for each in zip(texts, languages, strict=True)], dtype=np.float64)


def _of(text: str | None, language: str | None) -> float:
    if not text or language != ENGLISH:
        return math.nan
    # A lone surrogate has no place in its lexicon, and no bytes.
    read = text[:READ].encode(errors="replace").decode()
    return float(_analyzer().polarity_scores(read)["compound"])


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
