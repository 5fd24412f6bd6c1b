"""Which kinds of receivers there are. A new one is a line here, a file, settings and a sample for the tests."""

from importlib import import_module
from typing import Final

from alerts.notifier import Notifier
from config.receivers import AnyReceiver

# Names, not classes: a client library is loaded only by who has such a receiver.
NOTIFIERS: Final[dict[str, str]] = {
    "alertmanager": "alerts.alertmanager:AlertmanagerNotifier",
    "email": "alerts.email:EmailNotifier",
    "pagerduty": "alerts.pagerduty:PagerDutyNotifier",
    "slack": "alerts.slack:SlackNotifier",
    "webhook": "alerts.webhook:WebhookNotifier",
}


def build(name: str, settings: AnyReceiver) -> Notifier:
    """The notifier of one receiver. It sends nothing yet.

    Args:
        name: the receiver's name in the settings, for errors.
        settings: the receiver's settings.

    Raises:
        ValueError: the settings cannot work; says which key and what would be right, and no secret.
    """
    module, _, attribute = NOTIFIERS[settings.kind].partition(":")
    try:
        notifier: Notifier = getattr(import_module(module), attribute)(settings)
    except ValueError as error:
        raise ValueError(f"receivers.{name}.{error}") from None
    return notifier
