"""Services that more than one file of tests looks at: each is made once a run, by whichever process needs it first."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def swapped_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a service that has lived through `reading_kit.swapped`."""
    from reading_kit import PAIRED, SWAPPED, lived, opened, swapped, written

    def live(folder: Path) -> None:
        house = opened(written(folder, swapped(), PAIRED))
        lived(house, SWAPPED)
        house.close()

    return _once(tmp_path_factory, "swapped", live)


@pytest.fixture(scope="session")
def attacked_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a service that has lived through `reading_kit.attacked_log`."""
    from reading_kit import END, attacked_log, lived, opened, written

    def live(folder: Path) -> None:
        house = opened(written(folder, attacked_log()))
        lived(house, END)
        house.close()

    return _once(tmp_path_factory, "attacked", live)


@pytest.fixture(scope="session")
def calm_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a service that has lived through `reading_kit.log` until its new topic."""
    from reading_kit import NEW_TOPIC, lived, log, opened, written

    def live(folder: Path) -> None:
        house = opened(written(folder, log()))
        lived(house, NEW_TOPIC)
        house.close()

    return _once(tmp_path_factory, "calm", live)


def _once(factory: pytest.TempPathFactory, name: str, live: Callable[[Path], None]) -> Path:
    """A copy, for this process alone, of a folder that one process of the run makes while the others wait."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = shared / f"house-{name}"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = factory.mktemp(f"unfinished-{name}") / "house"
            live(unfinished)
            unfinished.rename(made)
    return shutil.copytree(made, factory.mktemp(name) / "house")
