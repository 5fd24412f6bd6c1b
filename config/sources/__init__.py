"""The settings of each kind of source, one file a kind."""

from typing import Annotated

from pydantic import Field

from config.sources.files import FilesSource
from config.sources.table import TableSource

AnySource = Annotated[FilesSource | TableSource, Field(discriminator="kind")]

__all__ = ["AnySource", "FilesSource", "TableSource"]
