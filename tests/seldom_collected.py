"""Python's search for garbage, seldom: what is imported lives until the run ends, and need not be searched again and again."""

import gc

gc.disable()  # while everything is imported


def pytest_collection_finish() -> None:
    """Everything so far is kept out of every later search, and those come less often than Python would have them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
