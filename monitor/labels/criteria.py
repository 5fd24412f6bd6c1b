"""The criteria that a label can be about."""

from pathlib import Path

from config.criteria import BUILT_IN
from config.settings import Settings
from detectors.judge.criterion import Criterion, built_in, criteria_of
from monitor.house import House


def known_criteria(house: House) -> dict[str, Criterion]:
    """The built-in criteria, and those of the settings, by name.

    Raises:
        CriterionError: one of the settings' cannot be used.
    """
    return criteria_known(house.settings, house.folder)


def criteria_known(settings: Settings, folder: Path) -> dict[str, Criterion]:
    """As `known_criteria`, of settings whose relative paths start at a folder."""
    own = {} if settings.judge is None else criteria_of(settings.judge, folder)
    return {name: built_in(name) for name in BUILT_IN} | own
