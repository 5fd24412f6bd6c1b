"""The one place where a query of an aggregate runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd


def fetch(table: "ir.Table") -> "pd.DataFrame":
    """The rows of a table."""
    with nested():
        rows: pd.DataFrame = table.to_pandas()
        return rows


@contextmanager
def nested() -> Iterator[None]:
    """Inside, nested queries stay nested: engines flatten them in no time, ibis takes longer than most queries do."""
    options = ibis.options.sql
    before = options.fuse_selects
    options.fuse_selects = False
    try:
        yield
    finally:
        options.fuse_selects = before
