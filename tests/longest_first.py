"""Files of tests in the order in which workers begin them: the longest first, so that none is left alone with one at the end.
Files that need the same large package go to the same worker, which imports it once."""

from typing import Any

import pytest

try:
    from xdist.scheduler.loadfile import LoadFileScheduling
except ImportError:  # the tests run without workers too
    LoadFileScheduling = object

# Those that take eight seconds of a core or more.
LONGEST = (
    "test_crash.py",
    "test_embedder.py",
    "test_text_detectors.py",
    "test_reading.py",
    "test_report.py",
    "test_compare.py",
    "test_one_log.py",
    "test_reading_drift.py",
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

# By file: what it imports for seconds.
PACKAGES = {
    "test_embedder.py": "sentence-transformers",
    "test_text_detectors.py": "sentence-transformers",
    "test_report.py": "evidently",
    "test_compare.py": "evidently",
}


class ByPackage(LoadFileScheduling):  # type: ignore[misc]
    """A worker gets whole files, and all files of a package."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return PACKAGES.get(file.rpartition("/")[2], file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """In place of `--dist loadfile`."""
    return ByPackage(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Left alone, pytest-xdist begins with the files that have most tests."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others as they were."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))
