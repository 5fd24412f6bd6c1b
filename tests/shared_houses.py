"""Services that more than one file of tests looks at: made once a run, and not changed by those who look."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def swapped_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a service that has lived through `reading_kit.swapped`."""
    from reading_kit import PAIRED, SWAPPED, lived, opened, swapped, written

    folder = written(tmp_path_factory.mktemp("swapped"), swapped(), PAIRED)
    house = opened(folder)
    lived(house, SWAPPED)
    house.close()
    return folder
