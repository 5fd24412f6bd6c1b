"""Redaction takes out what is sensitive, leaves ordinary text alone, and does so in linear work."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sources.common import Redaction
from monitor.redact import Redactor

REDACTOR = Redactor(Redaction())

SENSITIVE = [
    ("mail bob.o+x@example.co.uk now", "mail [email] now"),
    ("<ann@example.com>", "<[email]>"),
    ("müller@straße.de,b@c.org", "[email],[email]"),
    ("postgres://u:pa55@db.example.com/x", "postgres://u:[email]/x"),
    ("card 4111 1111 1111 1111 12/25", "card [card] 12/25"),
    ("5500-0000-0000-0004", "[card]"),
    ("378282246310005 and 6011111111111117", "[card] and [card]"),
    ("2024 4111-1111-1111-1111", "2024 [card]"),
    ("30569309025904", "[card]"),
    ("3530111333300000.", "[card]."),
    ("call +49 (0)30 1234567", "call [phone]"),
    ("+14155552671", "[phone]"),
    ("(415) 555-2671 or 415-555-2671 or 1-800-555-2671", "[phone] or [phone] or [phone]"),
    ("0171/1234567, 030 12345678, 020 7946 0958", "[phone], [phone], [phone]"),
    ("01 23 45 67 89", "[phone]"),
    ("sk-proj-abcdefghij1234567890", "[key]"),
    ("key=sk-ant-api03-abcdefghij_1234567890-x", "key=[key]"),
    ("xoxb-123456789012-abcdefghij", "[key]"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[key]"),
    ("github_pat_11ABCDEFG0123456789_abc", "[key]"),
    ("AKIAIOSFODNN7EXAMPLE", "[key]"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "[key]"),
    ("glpat-ABCDEFGHIJ1234567890", "[key]"),
    ("hf_abcdefghijklmnopqrstuvwxyz", "[key]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "[key]"),
    ("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer [key]"),
    ("password: hunter2", "password: [key]"),
    ('"api_key": "abcd1234"', '"api_key": "[key]"'),
    ("OPENAI_API_KEY=abcd1234efgh", "OPENAI_API_KEY=[key]"),
    ("a -----BEGIN RSA PRIVATE KEY-----\nX: 4,A-B\nMIIabc\n-----END RSA PRIVATE KEY----- b", "a [key] b"),
    ("cut -----BEGIN PRIVATE KEY-----\nMIIabc", "cut [key]"),
]

ORDINARY = [
    "in 2024 and 1999-2001",
    "$1,234,567.89 or 1 000 000 000",
    "2024-01-02T03:04:05.123456+00:00",
    "2024-01-02 12:00:00 +0100 2024-01-02",
    "01/02/2024 10:30",
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-1234-1234-123456789012",
    "45678901-2345-4111-8111-111111111111",
    "order 1234567890123 or #112-7654321-1234567",
    "1700000000123456789 ns, 1700000000.123456 s",
    "0.4111111111111111",
    "3.141592653589793 2.718281828459045",
    "512 256 1024",
    "192.168.100.200:8080",
    "version 1.2.3.4",
    "tokens: 123456789, max_tokens=4096, input_token: 12",
    "isbn 978-3-16-148410-0",
    "x@y @user pkg@1.2.3",
    "100-200-3000",
    "16:30-17:45",
    "-----BEGIN PUBLIC KEY-----",
    "tracking 1Z999AA10123456784",
    "a token of thanks: none",
    "zip 90210-1234",
    "4111 1111 1111 1112",
    "risk-adjusted-returns-of-the-fund",
    "[email] [phone] [card] [key] [redacted]",
]

HOSTILE = {
    "at signs": "a@" * 100_000,
    "one long name": "a" * 200_000 + "@",
    "one long domain": "a@" + "b." * 100_000,
    "digits": "1" * 200_000,
    "separated digits": "1 " * 100_000,
    "groups like cards": "4111 " * 20_000,
    "groups like phones": "415-555-" * 25_000,
    "pluses": "+1" * 100_000,
    "spaces after a digit": "1" + " " * 200_000,
    "private keys that never end": "-----BEGIN PRIVATE KEY-----" * 7_000,
    "names of secrets": "password:token=secret_" * 9_000,
    "bearers": "bearer " * 28_000,
    "tokens": "eyJaaaaaaaaa." * 15_000,
}


@pytest.mark.parametrize(("text", "clean"), SENSITIVE)
def test_what_is_sensitive_is_taken_out(text: str, clean: str) -> None:
    assert REDACTOR.redact(text) == clean


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert REDACTOR.redact(text) == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_costs_linear_work(text: str) -> None:
    # A pattern that backtracks over its start again would need hours here, not a moment.
    REDACTOR.redact(text[:60_000])


_pieces = st.one_of(
    st.sampled_from([text for text, _ in SENSITIVE] + ORDINARY),
    st.sampled_from(["@", ".", "-", " ", "+", "=", ":", '"', "[", "]", "\\", "\n", "sk-", "4111", "0", "password"]),
    st.text(max_size=8),
    st.integers(0, 10**19).map(str),
)


@given(st.lists(_pieces, max_size=8).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = REDACTOR.redact(text)
    assert REDACTOR.redact(once) == once


@given(
    st.recursive(
        st.one_of(_pieces, st.integers(), st.none()),
        lambda inner: st.lists(inner) | st.dictionaries(_pieces, inner),
        max_leaves=6,
    )
)
def test_redacted_json_is_json_and_stays_the_same_when_redacted_again(value: object) -> None:
    once = REDACTOR.redact_json(json.dumps(value))
    json.loads(once)
    assert REDACTOR.redact_json(once) == once


def test_json_is_redacted_inside_its_strings() -> None:
    text = json.dumps([{"role": "user", "content": "line\nsk-abcdefghijklmnop1234 and bob@example.com"}])
    assert json.loads(REDACTOR.redact_json(text)) == [{"role": "user", "content": "line\n[key] and [email]"}]


def test_json_members_that_are_named_like_secrets_lose_their_value() -> None:
    value = {"password": "correct horse", "user_token": "t", "tokens": 12, "nested": {"api_key": "k"}}
    assert json.loads(REDACTOR.redact_json(json.dumps(value))) == {
        "password": "[key]",
        "user_token": "[key]",
        "tokens": 12,
        "nested": {"api_key": "[key]"},
    }


def test_a_card_number_is_no_number_in_json() -> None:
    assert json.loads(REDACTOR.redact_json('{"n": 4111111111111111, "m": 1700000000123}')) == {
        "n": "[card]",
        "m": 1700000000123,
    }


def test_json_without_anything_sensitive_is_not_written_again() -> None:
    text = '{ "a" : "caf\\u00e9",   "b": [1.0, 2e3] }'
    assert REDACTOR.redact_json(text) == text


def test_text_that_is_no_json_is_redacted_as_text() -> None:
    assert REDACTOR.redact_json("{broken bob@example.com") == "{broken [email]"


def test_json_that_is_too_deep_to_follow_is_redacted_as_text() -> None:
    text = "[" * 1020 + '"\\nbob@example.com"' + "]" * 1020
    assert "example.com" not in REDACTOR.redact_json(text)


def test_own_patterns_are_taken_out_too_but_never_a_marker() -> None:
    redactor = Redactor(Redaction(patterns=["EMP-[0-9]{6}", "[a-z]*mail", "x*"]))
    once = redactor.redact("EMP-123456 wrote to bob@example.com")
    assert once == "[redacted] wrote to [email]"
    assert redactor.redact(once) == once


def test_kinds_that_are_not_asked_for_stay() -> None:
    redactor = Redactor(Redaction(kinds=["card"]))
    assert redactor.redact("bob@example.com 4111111111111111") == "bob@example.com [card]"


def test_redaction_can_be_turned_off() -> None:
    redactor = Redactor(Redaction(enabled=False, patterns=["a"]))
    assert redactor.redact("a bob@example.com") == "a bob@example.com"
    assert redactor.redact_json('"bob@example.com"') == '"bob@example.com"'


def test_the_version_follows_the_settings() -> None:
    versions = {
        Redactor(settings).version
        for settings in (Redaction(), Redaction(kinds=["email"]), Redaction(patterns=["a"]), Redaction(enabled=False))
    }
    assert len(versions) == 4
    assert Redactor(Redaction(kinds=["key", "card", "phone", "email"])).version == REDACTOR.version
