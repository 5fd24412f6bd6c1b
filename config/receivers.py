"""Settings of receivers: where messages go."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from config.sources.common import Strict
from config.types import Duration, EmailAddress, EmailAddresses, NameList, PositiveDuration


class CommonReceiver(Strict):
    """What every receiver may set."""

    group_by: list[str] | None = Field(
        None,
        description="Labels that make one message; unset is all labels, one message an alert.",
        examples=[["rule", "source"]],
    )
    group_wait: Duration | None = Field(
        None,
        description="How long the first message of a group waits for alerts that belong into it; unset is 0s where one "
        "message is one alert, and 30s with group_by.",
        examples=["30s"],
    )
    group_interval: Duration | None = Field(
        None,
        description="The least time between two messages about a group, so that one that flaps is no storm; unset is "
        "5m, and 0s for alertmanager, which has its own.",
        examples=["5m"],
    )
    repeat_interval: Duration | None = Field(
        None,
        description="How often what still fires is told again until it is acknowledged; 0s is never; unset is 1d, and "
        "never for alertmanager.",
        examples=["4h"],
    )
    mute_time_intervals: NameList = Field(
        default=[],
        description="Intervals of routing.time_intervals in which nothing new is told.",
        examples=[["weekends"]],
    )
    active_time_intervals: NameList = Field(
        default=[],
        description="Intervals outside of which nothing new is told; empty is always.",
        examples=[["weekends"]],
    )
    timeout: PositiveDuration = Field(timedelta(seconds=10), description="The longest one request may take.")
    include_text: bool = Field(
        False,
        description="Whether messages hold the beginning of prompts and responses behind an alert, redacted: "
        "they leave your systems then.",
    )


class SlackReceiver(CommonReceiver):
    """Slack: a bot token and a channel (messages are updated when the alert resolves), or an incoming webhook."""

    kind: Literal["slack"] = Field(description="slack: a message in a channel.")
    token: SecretStr | None = Field(
        None,
        description="Bot token (xoxb-…) with the scope chat:write, and files:write for the chart.",
        examples=["xoxb-…"],
    )
    channel: str | None = Field(None, description="Channel id or name, with a token.", examples=["C0123456789"])
    webhook_url: SecretStr | None = Field(
        None,
        description="Incoming webhook: the simple way, cannot update.",
        examples=["https://hooks.slack.com/services/…"],
    )
    chart_by_url: bool = Field(
        False,
        description="With webhook_url: show the chart by its address on server.external_url, which Slack must reach by "
        "https without a login. A bot uploads it instead.",
    )
    api_url: str = Field("https://slack.com/api/", description="Only for a proxy or a test.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.token is None) == (self.webhook_url is None):
            raise ValueError("set exactly one of token (with channel) and webhook_url")
        if self.token is not None and not self.channel:
            raise ValueError("a token needs a channel to post to")
        if self.chart_by_url and self.webhook_url is None:
            raise ValueError("chart_by_url is for webhook_url: a bot uploads the chart, with the scope files:write")
        return self


class PagerDutyReceiver(CommonReceiver):
    """PagerDuty: Events API v2."""

    kind: Literal["pagerduty"] = Field(description="pagerduty: an incident of a service.")
    routing_key: SecretStr = Field(
        description="Integration key of the service, 32 characters.", examples=["0123456789abcdef0123456789abcdef"]
    )
    previous_routing_keys: list[SecretStr] = Field(
        default=[],
        description="Keys used until now: what they opened is closed with them.",
        examples=[["fedcba9876543210fedcba9876543210"]],
    )
    url: str = Field("https://events.pagerduty.com", description="https://events.eu.pagerduty.com in the EU.")
    change_events: bool = Field(
        False, description="Whether deployments and new models are told too, as change events: they page nobody."
    )


class WebhookReceiver(CommonReceiver):
    """Any web address: gets what Alertmanager's webhook sends (docs/receivers.md)."""

    kind: Literal["webhook"] = Field(description="webhook: a POST to an address of yours.")
    url: SecretStr = Field(
        description="Where to post; often a secret itself.", examples=["https://hooks.example.org/…"]
    )
    headers: list[SecretStr] = Field(
        default=[],
        description="Headers to send, each as one text with its name.",
        examples=[["Authorization: Bearer …"]],
    )
    signing_secret: SecretStr | None = Field(
        None,
        description="Signs each request (HMAC-SHA256), so that the other end knows who sent it.",
        examples=["a long random text"],
    )
    receiver: str = Field("watchkeeper", description="What the payload says under `receiver`.")


class AlertmanagerReceiver(CommonReceiver):
    """Alertmanager: its API v2, told again and again of what fires; who is told, and when, is then its business."""

    kind: Literal["alertmanager"] = Field(description="alertmanager: an alert as Prometheus would send it.")
    urls: NameList = Field(
        min_length=1,
        description="All members of a cluster; one of them must take the alerts.",
        examples=[["http://alertmanager:9093"]],
    )
    username: str | None = Field(None, description="For a login by name and password.", examples=["watchkeeper"])
    password: SecretStr | None = Field(None, description="The password of username.", examples=["…"])
    bearer_token: SecretStr | None = Field(None, description="For a login by token.", examples=["…"])
    resend: PositiveDuration = Field(timedelta(minutes=1), description="How often it is told of what fires.")
    expire: PositiveDuration = Field(
        timedelta(minutes=5), description="An alert that it is not told of again ends after this."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("set both username and password, or none of them")
        if self.username is not None and self.bearer_token is not None:
            raise ValueError("set one of bearer_token and username (with password)")
        if self.expire < 2 * self.resend:
            raise ValueError("expire must be at least twice resend, or a delayed message would end the alert")
        return self


class EmailReceiver(CommonReceiver):
    """E-mail, by SMTP; all mails about a group of alerts are one thread."""

    kind: Literal["email"] = Field(description="email: a mail to one or more addresses.")
    host: str = Field(min_length=1, description="The mail server.", examples=["smtp.example.org"])
    port: int | None = Field(
        None, ge=1, le=65535, description="Its port; unset is 587 for starttls, 465 for tls, 25 for none."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls or tls, with the certificate checked, or none: readable on the way."
    )
    username: str | None = Field(None, description="For a login at the mail server.", examples=["watchkeeper"])
    password: SecretStr | None = Field(None, description="The password of that login.", examples=["…"])
    from_: EmailAddress = Field(
        alias="from", description="The address that mails come from.", examples=["watchkeeper@example.org"]
    )
    to: EmailAddresses = Field(
        min_length=1, description="The addresses that mails go to.", examples=[["oncall@example.org"]]
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("set both username and password, or none of them")
        if self.password is not None and self.security == "none" and self.host not in _THIS_MACHINE:
            raise ValueError("with security: none the password would be readable on the way; set starttls or tls")
        return self


class AppriseReceiver(CommonReceiver):
    """Microsoft Teams and a hundred others, by Apprise: wants `pip install watchkeeper[apprise]`."""

    kind: Literal["apprise"] = Field(description="apprise: a message by the URLs of the package Apprise.")
    urls: list[SecretStr] = Field(
        min_length=1,
        description="Where to send, as Apprise writes it; Microsoft Teams by the address of its workflow.",
        examples=[["workflows://host/workflow/signature"]],
    )
    attach_charts: bool = Field(
        False,
        description="Whether services that take attachments get the chart as a picture; where one refuses it, the "
        "message may come twice.",
    )


_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

AnyReceiver = Annotated[
    SlackReceiver | PagerDutyReceiver | WebhookReceiver | AlertmanagerReceiver | EmailReceiver | AppriseReceiver,
    Field(discriminator="kind"),
]
