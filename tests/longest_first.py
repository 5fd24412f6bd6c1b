"""Files of tests in the order in which workers begin them: the longest first, so that none is left alone with one at the end."""

import pytest

# Those that take eight seconds of a core or more.
LONGEST = (
    "test_crash.py",
    "test_reading.py",
    "test_report.py",
    "test_one_log.py",
    "test_compare.py",
    "test_reading_drift.py",
    "test_embedder.py",
    "test_baseline.py",
    "test_identities.py",
    "test_demo_generator.py",
    "test_golden_run.py",
    "test_judging_crash.py",
    "test_baseline_command.py",
    "test_reading_pairs.py",
    "test_drift_learn.py",
    "test_drift_detector.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Left alone, pytest-xdist begins with the files that have most tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others as they were."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))
