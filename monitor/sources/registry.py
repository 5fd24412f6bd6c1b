"""The kinds of sources, and how one is opened."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from config.sources import AnySource
from monitor.sources.base import Source
from monitor.store.database import Database

# kind in the settings: module and class, loaded when such a source is opened
SOURCES: dict[str, str] = {
    "files": "monitor.sources.files:FilesLog",
    "table": "monitor.sources.table:TableLog",
}


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source is given beside its settings.

    Attributes:
        folder: of the configuration file; relative paths in the settings start here.
        directory: where a source may keep landed calls, shared by all sources.
        database: the store, for the manifest of what was landed.
    """

    folder: Path
    directory: Path
    database: Database


def build(name: str, settings: AnySource, context: SourceContext) -> Source:
    """Opens a source; nothing is read before its first poll.

    Raises:
        SourceError: the settings cannot work; the text says why.
    """
    module, _, attribute = SOURCES[settings.kind].partition(":")
    opened: Any = getattr(import_module(module), attribute)
    source: Source = opened(name, settings, context)
    return source
