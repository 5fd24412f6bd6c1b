"""Which kinds of receivers there are. A new one is a line here, a file, settings and a sample for the tests."""

from importlib import import_module
from importlib.util import find_spec
from typing import Final

from alerts.notifier import Notifier
from config.receivers import AnyReceiver

# Names, not classes: a client library is loaded only by who has such a receiver.
NOTIFIERS: Final[dict[str, str]] = {
    "alertmanager": "alerts.alertmanager:AlertmanagerNotifier",
    "apprise": "alerts.apprise:AppriseNotifier",
    "email": "alerts.email:EmailNotifier",
    "pagerduty": "alerts.pagerduty:PagerDutyNotifier",
    "slack": "alerts.slack:SlackNotifier",
    "webhook": "alerts.webhook:WebhookNotifier",
}

# What a kind needs beside the rest: the package, and the extra that brings it.
_EXTRAS: Final[dict[str, tuple[str, str]]] = {"apprise": ("apprise", "watchkeeper[apprise]")}


def missing(kind: str) -> str | None:
    """What has to be installed for a kind of receiver, in words; None if nothing is missing."""
    package, extra = _EXTRAS.get(kind, ("", ""))
    if not package or find_spec(package) is not None:
        return None
    return f"needs the package {package}, which is not installed: pip install {extra}"


def build(name: str, settings: AnyReceiver) -> Notifier:
    """The notifier of one receiver. It sends nothing yet.

    Args:
        name: the receiver's name in the settings, for errors.
        settings: the receiver's settings.

    Raises:
        ValueError: the settings cannot work, or a package is missing; says which key and what would be right, and no
            secret.
    """
    if (lack := missing(settings.kind)) is not None:
        raise ValueError(f"receivers.{name}.kind: {settings.kind} {lack}")
    module, _, attribute = NOTIFIERS[settings.kind].partition(":")
    try:
        notifier: Notifier = getattr(import_module(module), attribute)(settings)
    except ValueError as error:
        raise ValueError(f"receivers.{name}.{error}") from None
    return notifier
