"""A file with one certificate authority.

A client of HTTP reads every authority that it trusts before it says a word, in plain text too: 30 ms each time, more than
most tests need. For servers on loopback one authority is as good as all.
"""

import tempfile
from pathlib import Path

import certifi

_END = "-----END CERTIFICATE-----\n"

_file = tempfile.NamedTemporaryFile("w", suffix=".pem")  # noqa: SIM115  it lasts as long as the process
_file.write(Path(certifi.where()).read_text().partition(_END)[0] + _END)
_file.flush()

PATH = _file.name
