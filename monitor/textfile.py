"""What a command that runs once has found, as a file of metrics, replaced whole: the textfile collector of Prometheus'
node exporter reads it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile


class Figure(NamedTuple):
    """A gauge without its prefix `watchkeeper_`, and its values by its label; `label` is empty where it has none."""

    name: str
    meaning: str
    label: str
    values: Mapping[str, float]


def last_run(command: str, now: datetime) -> Figure:
    """When a command ran: what it found is as old as that."""
    return Figure(f"{command}_last_run_timestamp_seconds", "When it last ran.", "", {"": now.timestamp()})


def write(path: Path, figures: Iterable[Figure]) -> None:
    """Writes a file of metrics.

    Raises:
        OSError: it cannot be written.
    """
    registry = CollectorRegistry()
    for each in figures:
        gauge = Gauge(f"watchkeeper_{each.name}", each.meaning, [each.label] if each.label else [], registry=registry)
        for label, value in each.values.items():
            (gauge.labels(label) if each.label else gauge).set(value)
    write_to_textfile(str(path), registry)
