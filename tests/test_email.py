"""E-mail: envelope, thread, encryption, and the addresses that may be configured."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fake_smtp import FakeSmtp
from notifier_ends import failure_of_sending
from pydantic import ValidationError
from samples_notifiers import LONG, NOON, a_message, resolved

from alerts.notifier import Failure, Notifier
from alerts.registry import build
from config.receivers import EmailReceiver

TO = ["oncall@example.org", "team@example.org"]


def notifier(server: FakeSmtp | None, **changes: Any) -> Notifier:
    known = {
        "kind": "email",
        "host": "127.0.0.1",
        "port": server.port if server else 1,
        "security": "none",
        "username": FakeSmtp.username,
        "password": FakeSmtp.password,
        "from": "watchkeeper@example.org",
        "to": TO,
        "timeout": LONG,
    }
    return build("ops", EmailReceiver.model_validate(known | changes))


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp() as made:
        yield made


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    day = dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + 36_500 * day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


def test_one_mail_goes_to_all_addresses(server: FakeSmtp) -> None:
    notifier(server).send(a_message(), {})
    (mail,) = server.mails
    assert (mail.sender, mail.to) == ("watchkeeper@example.org", tuple(TO))
    assert server.tried == ["EHLO", "AUTH", "MAIL", "RCPT", "RCPT", "DATA"]


def test_without_a_login_none_is_tried(server: FakeSmtp) -> None:
    notifier(server, username=None, password=None).send(a_message(), {})
    assert "AUTH" not in server.tried


def test_updates_and_the_resolution_are_in_the_thread_of_the_opening(server: FakeSmtp) -> None:
    sender = notifier(server)
    refs = dict(sender.send(a_message(), {}).refs)
    for later in (a_message(action="update"), resolved(a_message())):
        refs = dict(sender.send(later, refs).refs)
    first, *answers = (mail.parsed for mail in server.mails)
    assert [answer["In-Reply-To"] for answer in answers] == [first["Message-ID"]] * 2
    assert len({mail.parsed["Message-ID"] for mail in server.mails}) == 3


def test_the_next_incident_of_a_group_is_another_thread(server: FakeSmtp) -> None:
    sender = notifier(server)
    refs = sender.send(a_message(), {}).refs
    sender.send(a_message(at=NOON + dt.timedelta(days=1)), refs)
    first, second = (mail.parsed for mail in server.mails)
    assert second["In-Reply-To"] is None
    assert first["Message-ID"] != second["Message-ID"]


def test_a_ref_that_is_no_message_id_begins_a_thread_instead_of_a_header(server: FakeSmtp) -> None:
    notifier(server).send(a_message(action="update"), {"message_id": "<a@b>\r\nBcc: evil@example.org"})
    (mail,) = server.mails
    assert mail.parsed["In-Reply-To"] is None
    assert b"evil" not in mail.raw


def test_a_mail_with_a_full_stop_alone_on_a_line_arrives_whole(server: FakeSmtp) -> None:
    notifier(server).send(a_message(title="."), {})
    assert "error_ratio is 0.12" in server.mails[0].body("plain")


def test_starttls_and_tls_check_the_certificate(
    context: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for security in ("starttls", "tls"):
        with FakeSmtp(context, implicit_tls=security == "tls") as server:
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            notifier(server, security=security).send(a_message(), {})
            assert len(server.mails) == 1
            monkeypatch.delenv("SSL_CERT_FILE")
            error = failure_of_sending(notifier(server, security=security))
            assert (error.failure, error.retry) == (Failure.UNREACHABLE, True)
            assert "SSLCertVerificationError" in str(error)
            assert len(server.mails) == 1


def test_a_server_without_starttls_gets_neither_the_password_nor_the_mail(server: FakeSmtp) -> None:
    error = failure_of_sending(notifier(server, security="starttls"))
    assert (error.failure, error.retry) == (Failure.UNEXPECTED, True)
    assert server.tried == ["EHLO"]


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_from_the_security(security: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refuse(_host: str, port: int, **_: Any) -> None:
        asked.append(port)
        raise ConnectionRefusedError

    monkeypatch.setattr("smtplib.SMTP", refuse)
    monkeypatch.setattr("smtplib.SMTP_SSL", refuse)
    failure_of_sending(notifier(None, port=None, security=security))
    assert asked == [port]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"to": []}, "at least 1 item"),
        ({"to": ["Ops <ops@example.org>"]}, "is not an e-mail address"),
        ({"to": ["ops@example.org\r\nBcc: evil@example.org"]}, "is not an e-mail address"),
        ({"from": "ops@example.org, evil@example.org"}, "is not an e-mail address"),
        ({"password": None}, "set both username and password"),
        ({"host": "mail.example.org"}, "the password would be readable on the way"),
        ({"security": "ssl"}, "'starttls', 'tls' or 'none'"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        notifier(None, **changes)


def test_one_address_needs_no_list() -> None:
    made = EmailReceiver.model_validate({"kind": "email", "host": "h", "from": "a@b.org", "to": "c@d.org"})
    assert made.to == ["c@d.org"]


@pytest.mark.parametrize("field", ["username", "password"])
def test_a_login_that_smtp_cannot_carry_is_refused_by_name(field: str) -> None:
    for text in ("schlüssel", "a\r\nb", "a\0b"):
        with pytest.raises(ValueError, match=rf"^receivers\.ops\.{field} must be printable ASCII") as caught:
            notifier(None, **{field: text})
        assert text not in str(caught.value)


def test_a_repetition_is_marked_and_has_the_id_of_the_first(server: FakeSmtp) -> None:
    sender = notifier(server)
    sender.send(a_message(), {})
    sender.send(replace(a_message().marked_repeated(), sent_at=NOON + dt.timedelta(minutes=1)), {})
    first, second = (mail.parsed for mail in server.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert second["Subject"].startswith("[May be a repetition")
