"""Settings of `watchkeeper evaluate`: the models that it can ask for new answers. Nothing is asked before it is run."""

from pydantic import Field

from config.golden import ChatApi
from config.sources.common import Strict
from config.types import Name


class Evaluate(Strict):
    """What `watchkeeper evaluate --endpoint` asks; the service itself never does."""

    endpoints: dict[Name, ChatApi] = Field(
        default={}, description="Models that answer the prompts of a dataset anew, by name."
    )
