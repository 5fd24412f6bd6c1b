"""What is said in words of the newest window of texts."""

from typing import Any

import pytest

from monitor.textstatus import findings


def changed(name: str, kind: str, before: float, now: float, strength: float = 0.5) -> dict[str, Any]:
    return {"name": name, "kind": kind, "before": before, "now": now, "strength": strength}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed("lines", "number", 0.98991, 0.98994), []),
        (changed("url", "flag", 0.0012, 0.0043), []),
        (changed("lines", "number", 0.99, 3.0), ["lines: 0.99 → 3"]),
        (changed("refusal", "flag", 0.02, 0.11), ["refusal: 2% → 11%"]),
        (changed("refusal", "flag", 0.02, 0.11, strength=0.1), []),
    ],
)
def test_a_change_is_said_when_it_is_strong_and_can_be_seen(change: dict[str, Any], said: list[str]) -> None:
    assert list(findings({"descriptors": [change]})) == said
