"""From a configuration file to an open service."""

from pathlib import Path

from alerts.notifier import Notifier
from alerts.registry import build
from config.load import Loaded
from config.settings import Settings
from monitor.house import House
from monitor.sources.registry import SourceContext
from monitor.store.database import Database, StoreError


def open_house(loaded: Loaded) -> House:
    """Opens the live store and the sources.

    Raises:
        StoreError: the store cannot be opened.
    """
    context = SourceContext(loaded.folder, state_directory(loaded) / "landed", open_store(loaded))
    return House.open(loaded.settings, context)


def open_store(loaded: Loaded) -> Database:
    """The live store; on the first start it is made, with the state directory.

    Raises:
        StoreError: the store cannot be opened.
    """
    directory = state_directory(loaded)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"store.directory: {directory} cannot be made: {error.strerror}"
        raise StoreError(f"{reason}; set it to a directory that this user may write") from error
    return Database.open(store_url(loaded))


def open_notifiers(settings: Settings) -> dict[str, Notifier]:
    """The notifier of every receiver."""
    return {name: build(name, receiver) for name, receiver in settings.receivers.items()}


def state_directory(loaded: Loaded) -> Path:
    """Where state is kept; a relative directory starts at the configuration file."""
    return loaded.folder / loaded.settings.store.directory


def store_url(loaded: Loaded) -> str:
    """The store's address: what is set, or SQLite in the state directory."""
    url = loaded.settings.store.url
    return url.get_secret_value() if url else f"sqlite:///{state_directory(loaded) / 'watchkeeper.db'}"


def has_live_store(loaded: Loaded) -> bool:
    """Whether a service has run with these settings."""
    return loaded.settings.store.url is not None or (state_directory(loaded) / "watchkeeper.db").exists()
