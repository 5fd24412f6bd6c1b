"""What all tests share. A part that a machine cannot run is skipped by name, and fails where `CI` is set."""

import os

# Before anything is imported that reads them.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NO_PROXY"] = "*"  # servers of the tests are on loopback

from hypothesis import HealthCheck, settings
from postgres import postgres_url

__all__ = ["postgres_url"]

# A loaded machine makes any example slow; speed is no property that these tests hold.
settings.register_profile(
    "steady", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("steady")

for name in [name for name in os.environ if name.startswith("WATCHKEEPER")]:
    del os.environ[name]
