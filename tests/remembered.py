"""What a text is, told once a process: tests read the same synthetic texts in many logs, and the answers are pure."""

from functools import cache

from detectors import descriptors, language


def install() -> None:
    """From now on the language and the descriptors of a text that was read before are remembered."""
    language._language = cache(language._language)
    descriptors._describe = cache(descriptors._describe)
