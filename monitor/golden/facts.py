"""What a finished run found, as it is kept."""

from collections.abc import Mapping
from typing import Any

from detectors.golden import Change
from detectors.measurement import Key, Reason, Value

Facts = Mapping[str, Any]


def values_of(facts: Facts) -> dict[Key, Value]:
    """The measurements that a finished run left."""
    found = {
        Key.of(name, **labels): Value(value, lower, upper, n, None if reason is None else Reason(reason))
        for name, labels, value, lower, upper, n, reason in facts["values"]
    }
    return found | {Key.of("golden_cost_usd"): Value(facts["usd"])}


def written(found: Change) -> list[list[Any]]:
    """The measurements as JSON; see `values_of`."""
    return [
        [key.name, dict(key.labels), each.value, each.lower, each.upper, each.n, each.reason]
        for key, each in found.values().items()
    ]
