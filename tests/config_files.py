"""What the tests of the configuration share: a small valid file, a template with everything turned on."""

import re
from pathlib import Path

from config.load import load
from config.receivers import PagerDutyReceiver

FILE = """\
sources:
  my-app:
    kind: files
    paths: [logs/*.jsonl]
rules:
  errors: {measure: error_ratio, above: 0.05, receiver: on-call}
receivers:
  on-call:
    kind: pagerduty
    routing_key: from-the-file
server: {port: 9000}
"""


def written(folder: Path, text: str) -> Path:
    """A configuration file with this text."""
    path = folder / "watchkeeper.yaml"
    path.write_text(text)
    return path


def routing_key(path: Path | None, environ: dict[str, str]) -> str:
    """The secret of the receiver `on-call`, as it is loaded."""
    receiver = load(path, environ).settings.receivers["on-call"]
    assert isinstance(receiver, PagerDutyReceiver)
    return receiver.routing_key.get_secret_value()


def uncommented(text: str) -> str:
    """The template with every setting that is turned off turned on."""
    return re.sub(r"(?m)^( *)#(?=[a-z])", r"\1", text)
