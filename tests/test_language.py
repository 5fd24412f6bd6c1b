"""The language of short texts, and that what is no language is unknown."""

import importlib.metadata
import subprocess
import sys

import pytest

from detectors.language import LANGUAGE_VERSION, LETTERS, READ, language

SAMPLES = {
    "en": ["How do I reset my password?", "My order still has not arrived.", "WHAT IS THE WEATHER LIKE IN BOSTON"],
    "de": ["Wie setze ich mein Passwort zurück?", "Ich möchte diese Schuhe zurückgeben", "Übersetze diesen Satz bitte"],
    "es": ["¿Cómo restablezco mi contraseña?", "Quiero devolver estos zapatos", "cuánto dinero hay en mi cuenta"],
    "fr": [
        "Comment réinitialiser mon mot de passe ?",
        "Je veux retourner ces chaussures",
        "Peux-tu résumer cet article ?",
    ],
    "zh": ["我怎样才能重置我的密码并重新登录账户呢?", "每次我打开这个应用程序它都会崩溃", "谢谢你"],
    "ru": ["Мой заказ до сих пор не пришёл.", "Какая погода сегодня в Москве?", "Приложение падает при запуске"],
    "ja": [
        "注文した商品がまだ届いていません。",
        "この記事を要約してもらえますか?",
        "アプリを開くと毎回落ちてしまいます",
    ],
    "ar": ["لم يصل طلبي حتى الآن.", "كيف حال الطقس في القاهرة؟", "أريد إرجاع هذا الحذاء"],
}


@pytest.mark.parametrize("code", SAMPLES)
def test_a_short_request_is_told_by_its_language(code: str) -> None:
    assert language(SAMPLES[code]) == [code] * 3


@pytest.mark.parametrize(
    "text",
    [
        None, "", " \n", "ok", "42", "123 456 789", "!!! ??? ...", "😀😀😀😀😀", "\x00\x00\x00", "\ud800" * 20,
        "a8f5f167f44f4964e6c998dee827110c", '{"a": 1, "b": [2, 3], "value": null}', "SELECT id, name FROM users;",
        "https://example.com/a/b?c=d", "x" * 1_000_000, "asdf qwer zxcv hjkl",
    ],
)  # fmt: skip
def test_what_is_no_language_or_too_short_is_unknown(text: str | None) -> None:
    assert language([text]) == [None]


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    english, german = "This is the beginning of the text. " * 40, "Und das ist der Rest des Textes. " * 4_000
    assert len(english) > READ
    assert language([english + german]) == ["en"]


def test_hostile_characters_do_not_hide_the_language() -> None:
    assert language(["\ud800\x00 hello there my friend <script>", "hello there my friend"]) == ["en", "en"]


def test_answers_do_not_depend_on_the_other_texts_or_on_what_another_library_does() -> None:
    from py3langid import set_languages

    texts = [text for samples in SAMPLES.values() for text in samples]
    one_by_one = [language([text])[0] for text in texts]
    set_languages(["en", "fr"])
    try:
        assert language(texts[::-1])[::-1] == one_by_one
    finally:
        set_languages(None)


def test_the_version_names_the_installed_detector() -> None:
    assert LANGUAGE_VERSION.startswith(f"py3langid-{importlib.metadata.version('py3langid')}/")


def test_the_detector_is_loaded_when_it_is_used() -> None:
    code = "import sys, detectors.language; assert 'py3langid' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_few_letters_are_not_enough() -> None:
    assert language(["a" * (LETTERS - 1), "Привет"[:4], "你好"]) == [None] * 3
