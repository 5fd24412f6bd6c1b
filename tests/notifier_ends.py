"""Both ends of a delivery as fixtures: a fake channel and the notifier that sends to it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fake_http import FakeHttp
from fake_pagerduty import FakePagerDuty
from fake_slack import FakeSlack
from fake_smtp import FakeSmtp
from samples_notifiers import LONG, SAMPLES, Sample, a_message

from alerts.notifier import DeliveryError, Message, Notifier
from alerts.registry import build

Ends = dict[str, tuple[FakeHttp | FakeSmtp, Notifier]]


@pytest.fixture(scope="session")
def notifier_ends() -> Iterator[Ends]:
    """The two ends of every sample, made once: a client of PagerDuty costs a tenth of a second."""
    with ExitStack() as stack:
        servers = {sample.name: stack.enter_context(sample.server()) for sample in SAMPLES}
        made = {each.name: build("ops", each.settings(servers[each.name], LONG)) for each in SAMPLES}
        yield {name: (servers[name], made[name]) for name in servers}
        for notifier in made.values():
            notifier.close()


@pytest.fixture
def server(sample: Sample, notifier_ends: Ends) -> FakeHttp | FakeSmtp:
    """The channel of the sample, as new."""
    notifier_ends[sample.name][0].reset()
    return notifier_ends[sample.name][0]


@pytest.fixture
def notifier(sample: Sample, notifier_ends: Ends) -> Notifier:
    """The notifier of the sample."""
    return notifier_ends[sample.name][1]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack of its own, which a test may break."""
    with FakeSlack() as made:
        yield made


@pytest.fixture
def bot(slack: FakeSlack) -> Notifier:
    """Sends to `slack` with a token."""
    return build("ops", SAMPLES[0].settings(slack, LONG))


@pytest.fixture
def webhook(slack: FakeSlack) -> Notifier:
    """Sends to `slack` through an incoming webhook."""
    return build("ops", SAMPLES[1].settings(slack, LONG))


@pytest.fixture
def account(notifier_ends: Ends) -> FakePagerDuty:
    """PagerDuty, as new."""
    made = notifier_ends["pagerduty"][0]
    assert isinstance(made, FakePagerDuty)
    made.reset()
    return made


@pytest.fixture
def pager(notifier_ends: Ends) -> Notifier:
    """Sends to `account`."""
    return notifier_ends["pagerduty"][1]


def failure_of_sending(
    notifier: Notifier, message: Message | None = None, refs: dict[str, str] | None = None
) -> DeliveryError:
    """The error that a message meets."""
    with pytest.raises(DeliveryError) as caught:
        notifier.send(message or a_message(), refs or {})
    return caught.value
