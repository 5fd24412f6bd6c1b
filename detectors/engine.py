"""The one place where a query of an aggregate runs."""

from typing import TYPE_CHECKING

import ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd


def fetch(table: "ir.Table") -> "pd.DataFrame":
    """The rows of a table.

    Nested queries are left nested: engines flatten them in no time, ibis takes longer for it than most queries do.
    """
    options = ibis.options.sql
    before = options.fuse_selects
    options.fuse_selects = False
    try:
        rows: pd.DataFrame = table.to_pandas()
        return rows
    finally:
        options.fuse_selects = before
