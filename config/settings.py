"""The root of the settings: one YAML file, overridden by the environment (see `config.load`)."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from config.alerts import Health, Rule
from config.detectors import Text
from config.drift import Drift
from config.evaluate import Evaluate
from config.golden import Golden
from config.heartbeat import Heartbeat
from config.judge import Judge
from config.problems import dotted
from config.receivers import AnyReceiver
from config.references import HISTORY, WINDOW, findings
from config.routing import Routing
from config.server import Retention, Server, Store
from config.sources import AnySource
from config.sources.common import Strict
from config.types import Duration, Name, PositiveDuration

MISFIT = "parts_do_not_fit"  # pydantic's type of the error that the parts do not fit together


class Settings(Strict):
    """Everything that a user may set."""

    sources: dict[Name, AnySource] = Field(default={}, description="The logs to watch, by name.")
    rules: dict[Name, Rule] = Field(default={}, description="What is an alert, by name.")
    receivers: dict[Name, AnyReceiver] = Field(default={}, description="Who is told, by name.")
    window: PositiveDuration = Field(WINDOW, description="Length of a traffic window.")
    history: PositiveDuration = Field(
        HISTORY, description="Length of the windows that are kept long, for charts and comparisons."
    )
    start: Duration = Field(
        timedelta(days=1), description="How much of an existing log is measured on the first start."
    )
    allowed_lateness: Duration = Field(
        timedelta(days=1), description="Closed windows are measured again for calls that come this late."
    )
    text: Text = Text()
    drift: Drift = Drift()
    golden: Golden | None = Field(
        None, description="Fixed prompts that are asked again and again; costs money, and is off unless it is set."
    )
    judge: Judge | None = Field(
        None,
        description="Language models that judge a sample of the answers; costs money, and is off unless it is set.",
    )
    evaluate: Evaluate = Evaluate()
    health: Health = Health()
    heartbeat: Heartbeat | None = Field(
        None, description="An address that is asked while everything works, so that somebody notices when nothing does."
    )
    routing: Routing = Routing()
    server: Server = Server()
    store: Store = Store()
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        found = [f"{dotted(each.path)}: {each.message}; {each.hint}" for each in findings(self.model_dump())]
        if found:
            raise PydanticCustomError(MISFIT, "{found}", {"found": "\n".join(found)})
        return self
