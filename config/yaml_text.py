"""Writes a value as one line of YAML."""

from typing import Any

import yaml


def flow(value: Any) -> str:
    """`["a", "b: c"]` as `[a, 'b: c']`, a text with quotes only where it needs them."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
