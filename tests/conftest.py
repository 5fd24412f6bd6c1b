"""What all tests share. A part that a machine cannot run is skipped by name, and fails where `CI` is set."""

import os

import one_authority
from seldom_collected import pytest_collection_finish

# Before anything is imported that reads them.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("COLUMNS", None)  # of whoever runs the tests: a console that is made now would keep it for ever
os.environ["NO_PROXY"] = "*"  # servers of the tests are on loopback
os.environ["SSL_CERT_FILE"] = one_authority.PATH

import new_stores
import remembered
from hypothesis import HealthCheck, settings
from longest_first import pytest_collection_modifyitems, pytest_configure
from postgres import postgres_url
from shared_houses import attacked_house, calm_house, swapped_house

__all__ = [
    "attacked_house",
    "calm_house",
    "postgres_url",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "swapped_house",
]

# A loaded machine makes any example slow; speed is no property that these tests hold.
settings.register_profile(
    "steady", max_examples=24, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("steady")

new_stores.install()
remembered.install()

for name in [name for name in os.environ if name.startswith("WATCHKEEPER")]:
    del os.environ[name]
