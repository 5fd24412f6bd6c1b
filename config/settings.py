"""The root of the settings: one YAML file, overridden by the environment (see `config.load`)."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from config.alerts import AnyReceiver, Health, Rule
from config.server import Retention, Server, Store
from config.sources import AnySource
from config.sources.common import Strict
from config.types import Duration, Name, PositiveDuration


class Settings(Strict):
    """Everything that a user may set."""

    sources: dict[Name, AnySource] = Field(default={}, description="The logs to watch, by name.")
    rules: dict[Name, Rule] = Field(default={}, description="What is an alert, by name.")
    receivers: dict[Name, AnyReceiver] = Field(default={}, description="Who is told, by name.")
    window: PositiveDuration = Field(timedelta(minutes=1), description="Length of a traffic window.")
    history: PositiveDuration = Field(
        timedelta(hours=1), description="Length of the windows that are kept long, for charts and comparisons."
    )
    start: Duration = Field(
        timedelta(days=1), description="How much of an existing log is measured on the first start."
    )
    allowed_lateness: Duration = Field(
        timedelta(days=1), description="Closed windows are measured again for calls that come this late."
    )
    health: Health = Health()
    server: Server = Server()
    store: Store = Store()
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for name, rule in self.rules.items():
            _require_known(rule.receiver or [], self.receivers, f"rules.{name}.receiver")
            _require_known(rule.sources, self.sources, f"rules.{name}.sources")
        _require_known(self.health.receiver or [], self.receivers, "health.receiver")
        return self

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        if timedelta(days=1) % self.window:
            raise ValueError(f"window ({self.window}) must divide a day, so that windows stay aligned")
        for name, rule in self.rules.items():
            if rule.over is not None and rule.over % self.window:
                raise ValueError(f"rules.{name}.over must be a whole number of windows ({self.window})")
        if self.history % self.window or timedelta(days=1) % self.history:
            raise ValueError("history must be a whole number of windows and divide a day")
        return self


def _require_known(names: list[str], known: object, key: str) -> None:
    for name in names:
        if name not in known:  # type: ignore[operator]
            raise ValueError(f"{key}: {name!r} is not configured; configured are {sorted(known) or 'none'}")  # type: ignore[call-overload]
