"""A PostgreSQL server that asks for passwords, stops and comes back."""

from datetime import timedelta

import pytest
from samples_table import utc

from monitor.sources.base import SourceError
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
