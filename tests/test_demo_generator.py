"""The demonstration's log: the same for the same seed, with rhythms, and with its story in the right places only."""

import gzip
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

import orjson
import pytest

from config.calls import CALL_COLUMN_NAMES, ERROR_TYPES, FEEDBACK_COLUMN_NAMES
from monitor.demo import LiveWriter, Scenario, Stream, generate, generate_feedback, write_history
from monitor.demo.assistant import Turn
from monitor.demo.conversations import turns_of_minute
from monitor.demo.dice import Dice
from monitor.demo.grammar import Slots, render
from monitor.demo.rhythm import conversations_per_minute
from monitor.demo.slots import MAKERS
from monitor.demo.story import Story, epoch_ms
from monitor.demo.topics import TOPICS
from monitor.demo.topics.business import THANKS
from monitor.demo.topics.recall import RECALL
from monitor.demo.words import WORDS

SEED = 7
ANCHOR = datetime(2025, 5, 14, 9, 17, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Record = dict[str, Any]


def calls(start: timedelta, length: timedelta, volume: float = 1.0, seed: int = SEED) -> list[Record]:
    """The calls of a stretch that begins at an offset from the anchor."""
    return list(generate(seed, ANCHOR + start, ANCHOR + start + length, ANCHOR, volume))


def turns(start: timedelta, length: timedelta, step: int = 1) -> list[Turn]:
    """The turns of the conversations that begin in every `step`-th minute of a stretch."""
    story, first = Story(ANCHOR), epoch_ms(ANCHOR + start) // 60_000
    minutes = range(first, first + length // MINUTE, step)
    return [turn for minute in minutes for turn in turns_of_minute(SEED, story, minute, 1.0)]


def large(records: list[Record]) -> list[Record]:
    return [record for record in records if record["model"] == "large-2"]


def share(records: list[Record], error_type: str) -> float:
    return mean(record.get("error_type") == error_type for record in records)


def lines(path: Path) -> list[Record]:
    content = path.read_bytes()
    return [orjson.loads(line) for line in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()]


@pytest.fixture(scope="module")
def quiet() -> list[Record]:
    """A day without incidents, at twice the volume."""
    return calls(-17 * DAY, DAY, volume=2.0)


@pytest.fixture(scope="module")
def ratings() -> list[Record]:
    """The feedback of that day, at the usual volume."""
    return list(generate_feedback(SEED, ANCHOR - 17 * DAY, ANCHOR - 16 * DAY, ANCHOR))


@pytest.fixture(scope="module")
def ordinary() -> list[Turn]:
    """Turns from before the new topic and the swap, spread over a week."""
    return turns(-19 * DAY, 6 * DAY, step=7)


@pytest.fixture(scope="module")
def swapped() -> list[Turn]:
    """Turns after the swap, when the new topic is fully there."""
    return turns(-3 * DAY + HOUR, 2 * DAY, step=3)


# The log is a function of seed, anchor and time.


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    def logged(seed: int) -> bytes:
        return b"\n".join(map(orjson.dumps, calls(-15 * DAY, HOUR, seed=seed)))

    assert logged(1) == logged(1)
    assert logged(1) != logged(2)


def test_any_cut_into_stretches_gives_the_same_calls_and_feedback() -> None:
    start, end = ANCHOR - 20 * MINUTE, ANCHOR + 40 * MINUTE
    whole_calls, whole_feedback = Stream(Scenario(SEED, ANCHOR), start).until(end)
    cuts = [start, start + timedelta(seconds=17), ANCHOR + timedelta(minutes=13.31), end]
    assert whole_calls == [each for a, b in pairwise(cuts) for each in generate(SEED, a, b, ANCHOR)]
    assert whole_feedback == [each for a, b in pairwise(cuts) for each in generate_feedback(SEED, a, b, ANCHOR)]
    stream = Stream(Scenario(SEED, ANCHOR), start)
    stepped = [stream.until(cut) for cut in cuts[1:]]
    assert whole_calls == [each for part, _ in stepped for each in part]
    assert whole_feedback == [each for _, part in stepped for each in part]


def test_calls_come_in_order_of_their_end_and_lie_in_the_stretch(quiet: list[Record]) -> None:
    ends = [datetime.fromisoformat(record["ended_at"]) for record in quiet]
    assert ends == sorted(ends)
    assert ends[0] >= ANCHOR - 17 * DAY
    assert ends[-1] < ANCHOR - 16 * DAY


def test_a_call_that_is_still_running_at_the_end_of_a_stretch_is_not_in_it() -> None:
    stretch = calls(11 * MINUTE, 4 * MINUTE, volume=6.0)
    assert not any(record["latency_s"] == 600.0 for record in stretch)
    later = calls(15 * MINUTE, 12 * MINUTE, volume=6.0)
    assert any(record["latency_s"] == 600.0 for record in later)


# Records.


def test_records_have_canonical_columns_only(quiet: list[Record], ratings: list[Record]) -> None:
    for record in quiet:
        assert record.keys() <= set(CALL_COLUMN_NAMES)
        assert None not in record.values()
    for record in ratings:
        assert record.keys() <= set(FEEDBACK_COLUMN_NAMES)


def test_ids_are_unique_and_every_trace_has_one_root(quiet: list[Record]) -> None:
    ids = {record["id"] for record in quiet}
    assert len(ids) == len(quiet)
    roots = Counter(record["trace_id"] for record in quiet if "parent_id" not in record)
    assert set(roots.values()) == {1}
    assert sum(record["parent_id"] in ids for record in quiet if "parent_id" in record) > 0.99 * (len(ids) - len(roots))


def test_a_record_agrees_with_itself(quiet: list[Record]) -> None:
    for record in quiet:
        started, ended = (datetime.fromisoformat(record[key]) for key in ("started_at", "ended_at"))
        assert (ended - started).total_seconds() == pytest.approx(record["latency_s"], abs=1e-9)
        if "error_type" in record:
            assert record["error_type"] in ERROR_TYPES
            assert not record.keys() & {"response", "output_tokens", "cost_usd", "ttft_s", "response_model"}
            continue
        assert record["streamed"] == ("ttft_s" in record)
        assert record.get("ttft_s", 0.0) <= record["latency_s"] + 0.001
        assert record["cache_hit"] == (record["cost_usd"] == 0)
        assert ("tool_calls" in record) == (record["finish_reason"] == "tool_calls") == ("response" not in record)
        if not record["cache_hit"]:
            assert record["cached_input_tokens"] <= record["input_tokens"]
            assert record["input_tokens"] > len(record["prompt"]) / 5
            written = record.get("response") or record["tool_calls"]
            assert record["output_tokens"] == pytest.approx(len(written) / 4, abs=1.5)


def test_json_columns_hold_json(quiet: list[Record]) -> None:
    for column in ("messages", "tool_calls", "tags"):
        values = [orjson.loads(record[column]) for record in quiet if column in record]
        assert values
    messages = next(orjson.loads(record["messages"]) for record in quiet if "messages" in record)
    assert messages[0]["role"] == "system"
    assert messages[-1]["role"] == "user"


# An ordinary day.


def test_an_average_day_has_about_four_thousand_calls() -> None:
    # Six weeks of days have the weekly cycle and the differences between days in them.
    days = [ANCHOR - number * DAY for number in range(21)]
    per_day = mean(
        sum(conversations_per_minute(day + minute * 15 * MINUTE, SEED) * 15 for minute in range(96)) for day in days
    )
    sample = turns(-19 * DAY, 6 * DAY, step=11)
    started = sum(
        conversations_per_minute(ANCHOR - 19 * DAY + minute * MINUTE, SEED) for minute in range(0, 6 * 1440, 11)
    )
    calls_per_conversation = sum(len(turn.calls) for turn in sample) / started
    assert 130_000 < 35 * per_day * calls_per_conversation < 170_000


def test_the_peak_of_the_day_is_four_times_the_trough() -> None:
    monday = datetime(2025, 5, 5, tzinfo=UTC)
    hours = [conversations_per_minute(monday + hour * HOUR + 30 * MINUTE, SEED) for hour in range(24)]
    assert 3.5 < max(hours) / min(hours) < 4.5
    by_hour = Counter(
        datetime.fromisoformat(record["ended_at"]).hour
        for week in range(2)
        for hour in (3, 20)
        for record in generate(
            SEED, monday + week * DAY + hour * HOUR, monday + week * DAY + (hour + 1) * HOUR, monday + 30 * DAY, 3.0
        )
    )
    assert 3.0 < by_hour[20] / by_hour[3] < 5.5


def test_a_weekend_has_sixty_percent_of_the_traffic() -> None:
    monday = datetime(2025, 4, 7, tzinfo=UTC)
    days = [
        mean(conversations_per_minute(monday + day * DAY + hour * HOUR, SEED) for hour in range(24))
        for day in range(28)
    ]
    weekend = mean(day for number, day in enumerate(days) if number % 7 >= 5)
    assert weekend / mean(day for number, day in enumerate(days) if number % 7 < 5) == pytest.approx(0.6, abs=0.06)


def test_topics_shift_with_the_hour_and_the_weekend() -> None:
    def shares(hour: int, weekend: bool) -> dict[str, float]:
        weights = {topic.name: topic.weight_at(hour, weekend) for topic in TOPICS}
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}

    assert shares(11, False)["invoices"] > 2 * shares(22, False)["invoices"]
    assert shares(11, False)["business"] > 3 * shares(11, True)["business"]
    assert shares(21, True)["vouchers"] > shares(9, True)["vouchers"]


def test_few_calls_fail_on_an_ordinary_day(quiet: list[Record], ordinary: list[Turn]) -> None:
    records = [*quiet, *(record for turn in ordinary for _, record in turn.calls)]
    failed = [record for record in records if record.get("error_type", "cancelled") != "cancelled"]
    assert 0.0025 < len(failed) / len(records) < 0.0060
    assert {"content_filter", "bad_request", "server"} <= {record["error_type"] for record in failed}
    assert 0.0 < share(records, "cancelled") < 0.004


def test_most_chats_are_a_search_and_an_answer(quiet: list[Record]) -> None:
    sizes = Counter(Counter(record["trace_id"] for record in quiet).values())
    assert sizes[2] / sum(sizes.values()) > 0.7
    assert max(sizes) >= 3
    assert {(record["service"], record["model"]) for record in quiet} == {
        ("support-chat", "large-2"),
        ("support-search", "small-1"),
    }


def test_nine_prompts_in_ten_are_distinct_texts(quiet: list[Record]) -> None:
    assert len({record["prompt"] for record in quiet}) / len(quiet) >= 0.9


def test_some_prompts_are_in_other_languages(ordinary: list[Turn]) -> None:
    foreign = mean(turn.topic.language != "en" for turn in ordinary)
    assert 0.02 < foreign < 0.07


def test_some_prompts_hold_what_must_be_redacted_or_escaped(
    quiet: list[Record], ordinary: list[Turn], swapped: list[Turn]
) -> None:
    prompts = {record["prompt"] for record in quiet}
    prompts |= {turn.calls[0][1]["prompt"] for turn in [*ordinary, *swapped]}
    for pattern in (
        r"\S+@mail\.example",
        r"\+44 7700 900\d{3}",
        r"4000 00\d\d \d{4} \d{4}",
        r"\bsk-\w{40}",
        r"<!channel>",
        r"<script>",
        r'"error":',
        r"```",
    ):
        assert any(re.search(pattern, prompt, re.IGNORECASE) for prompt in prompts), pattern


def test_card_numbers_pass_the_checksum() -> None:
    for number in range(50):
        digits = [int(digit) for digit in Slots(Dice(number), ANCHOR, WORDS, MAKERS)["card"].replace(" ", "")]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
        assert (sum(doubled) + sum(digits[::-2])) % 10 == 0


@pytest.mark.parametrize("topic", [*TOPICS, THANKS, RECALL], ids=lambda topic: topic.name)
def test_every_template_renders_without_traces_of_the_grammar(topic: Any) -> None:
    for intent in topic.intents:
        for template in (*intent.asks, intent.query, intent.fact, *intent.answers, *intent.details):
            slots = Slots(Dice(template), ANCHOR, WORDS, MAKERS)
            for value in ("{code}", "{json_error}"):
                slots[value[1:-1]] = "CODE"
            text = render(template, slots)
            assert not re.search(r"[\[\]{}|]|  | [?.,!]", text), text
            assert not re.search(r"\b(the the|my the|a the|the a|the my)\b", text, re.IGNORECASE), text


# Feedback.


def test_one_customer_in_twenty_five_rates_minutes_to_hours_later(ordinary: list[Turn]) -> None:
    rated = [turn for turn in ordinary if turn.feedback]
    assert 0.025 < len(rated) / len(ordinary) < 0.06
    for turn in rated:
        for at_ms, record in turn.feedback:
            assert 0 < at_ms - turn.ended_ms <= 12 * 3_600_000
            assert record["call_id"] == turn.calls[-1][1]["id"]
            assert record["score"] in ((0, 1) if record["key"] == "thumbs" else range(1, 6))


def test_feedback_comes_in_order_of_its_time(ratings: list[Record]) -> None:
    given = [record["at"] for record in ratings]
    assert given
    assert given == sorted(given)


def test_thumbs_fall_after_the_swap(ordinary: list[Turn], swapped: list[Turn]) -> None:
    def up(some: list[Turn]) -> float:
        return mean(r["score"] for turn in some for _, r in turn.feedback if r["key"] == "thumbs")

    assert up(ordinary) > 0.75
    assert up(swapped) < 0.6


# The story: each item has its effect in its window, and none outside.


@pytest.mark.parametrize("start", [-20 * DAY, -8 * MINUTE, 52 * MINUTE], ids=["history", "anchor", "repeated"])
def test_a_burst_of_rate_limits_begins_and_ends(start: timedelta) -> None:
    length = 40 * MINUTE if start == -20 * DAY else 14 * MINUTE
    before = large(calls(start - 20 * MINUTE, 19 * MINUTE, volume=3.0))
    during = large(calls(start + MINUTE, length - MINUTE, volume=3.0))
    after = large(calls(start + length + MINUTE, 3 * MINUTE, volume=8.0))
    assert share(during, "rate_limited") > 0.4
    assert share(before, "rate_limited") < 0.05
    assert share(after, "rate_limited") < 0.05


def test_the_slow_model_takes_four_times_as_long_and_hangs_ten_minutes() -> None:
    start = -12 * DAY
    before = large(calls(start - 2 * HOUR, 2 * HOUR, volume=3.0))
    during = large(calls(start + 12 * MINUTE, 105 * MINUTE, volume=3.0))
    after = large(calls(start + 140 * MINUTE, HOUR, volume=3.0))

    def typical(records: list[Record]) -> float:
        return median(record["latency_s"] for record in records if "error_type" not in record)

    assert typical(during) > 3 * typical(before)
    assert typical(after) < 1.3 * typical(before)
    hung = [record for record in during if record["latency_s"] == 600.0]
    assert 0.015 < len(hung) / len(during) < 0.05
    assert {record["error_type"] for record in hung} == {"timeout"}
    assert not any(record["latency_s"] >= 600.0 for record in [*before, *after])
    small = [record["latency_s"] for record in calls(start, HOUR) if record["model"] == "small-1"]
    assert median(small) < 0.5


@pytest.mark.parametrize(
    ("start", "length"), [(-9 * DAY, 90 * MINUTE), (20 * MINUTE, 6 * MINUTE)], ids=["history", "live"]
)
def test_traffic_drops_to_a_tenth(start: timedelta, length: timedelta) -> None:
    def a_minute(offset: timedelta, stretch: timedelta) -> float:
        # Hung calls of the slow model end here too; they are older traffic.
        arrived = [record for record in calls(offset, stretch, volume=8.0) if record["latency_s"] < 60]
        return len(arrived) / (stretch / MINUTE)

    usual = a_minute(start - 4 * MINUTE, 4 * MINUTE)
    assert a_minute(start + MINUTE, length - MINUTE) < 0.25 * usual
    assert a_minute(start + length + MINUTE, 3 * MINUTE) > 0.5 * usual


def test_nothing_is_written_while_the_source_stops() -> None:
    assert calls(30 * MINUTE, 15 * MINUTE, volume=5.0) == []
    assert len(calls(45 * MINUTE, 3 * MINUTE, volume=5.0)) > 5
    assert len(calls(27 * MINUTE, 3 * MINUTE, volume=5.0)) > 5
    stop = ANCHOR + 30 * MINUTE
    assert not list(generate_feedback(SEED, stop, stop + 15 * MINUTE, ANCHOR, 2.0))
    assert len(calls(90 * MINUTE, 15 * MINUTE)) > 10, "it stops once only"


def test_the_new_topic_is_absent_then_rises_to_seven_percent(ordinary: list[Turn], swapped: list[Turn]) -> None:
    assert not any(turn.topic is RECALL for turn in ordinary)
    assert not any("power bank" in record["prompt"].lower() for turn in ordinary for _, record in turn.calls)
    assert 0.05 < mean(turn.topic is RECALL for turn in swapped) < 0.095
    rising = turns(-6 * DAY + 18 * HOUR, 12 * HOUR, step=2)
    assert 0.01 < mean(turn.topic is RECALL for turn in rising) < 0.06


def test_the_shop_has_no_article_on_the_new_topic(swapped: list[Turn]) -> None:
    retrieved = {r["context"] for turn in swapped if turn.topic is RECALL for _, r in turn.calls if "context" in r}
    assert retrieved == {"No matching articles."}


def test_the_model_is_swapped_silently() -> None:
    def names(offset: timedelta, column: str) -> set[str]:
        return {record[column] for record in large(calls(offset, 30 * MINUTE)) if column in record}

    before, after = -3 * DAY - 40 * MINUTE, -3 * DAY + 10 * MINUTE
    assert names(before, "model") == names(after, "model") == {"large-2"}
    assert names(before, "provider") == names(after, "provider")
    assert names(before, "prompt_version") == names(after, "prompt_version")
    assert names(before, "response_model") == {"large-2-r4"}
    assert names(after, "response_model") == {"large-2-r5"}
    assert not names(before, "system_fingerprint") & names(after, "system_fingerprint")


def test_answers_are_worse_after_the_swap(ordinary: list[Turn], swapped: list[Turn]) -> None:
    def answers(some: list[Turn]) -> list[str]:
        return [turn.calls[-1][1].get("response", "") for turn in some if turn.answered and turn.topic is not THANKS]

    def wrong(some: list[Turn], quality: str) -> float:
        return mean(turn.quality == quality for turn in some if turn.topic is not THANKS)

    assert mean(map(len, answers(swapped))) < 0.6 * mean(map(len, answers(ordinary)))
    assert wrong(ordinary, "wrong") < 0.03
    assert 0.10 < wrong(swapped, "wrong") < 0.20
    refusal = re.compile(r"I can't (help|assist)|I'm unable to assist|I cannot (provide|help)", re.IGNORECASE)
    refused = [mean(bool(refusal.search(text)) for text in answers(some)) for some in (ordinary, swapped)]
    assert 0.001 < refused[0] < 0.025
    assert refused[1] > 2.5 * refused[0]


# Files.


def test_history_is_one_file_a_day_and_holds_what_generate_gives(tmp_path: Path) -> None:
    done: list[float] = []
    write_history(tmp_path, SEED, ANCHOR, days=4, volume=0.1, progress=done.append)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "calls-2025-05-10.jsonl.gz",
        "calls-2025-05-11.jsonl.gz",
        "calls-2025-05-12.jsonl.gz",
        "calls-2025-05-13.jsonl",
        "calls-2025-05-14.jsonl",
        "feedback.jsonl",
    ]
    written = {path.name[6:16]: lines(path) for path in sorted(tmp_path.glob("calls-*"))}
    assert all(record["ended_at"].startswith(day) for day, records in written.items() for record in records)
    start = ANCHOR - 4 * DAY
    assert [r for records in written.values() for r in records] == list(generate(SEED, start, ANCHOR, ANCHOR, 0.1))
    assert lines(tmp_path / "feedback.jsonl") == list(generate_feedback(SEED, start, ANCHOR, ANCHOR, 0.1))
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_history_is_written_twice_with_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_history(tmp_path / name, SEED, ANCHOR, days=3, volume=0.05)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_history_replaces_what_an_interrupted_run_left_but_never_a_log(tmp_path: Path) -> None:
    def interrupt(done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_history(tmp_path, SEED, ANCHOR, days=2, volume=0.05, progress=interrupt)
    assert not list(tmp_path.glob("*.jsonl*"))
    write_history(tmp_path, SEED, ANCHOR, days=2, volume=0.05)
    with pytest.raises(FileExistsError, match="calls-2025-05-12"):
        write_history(tmp_path, SEED, ANCHOR, days=2, volume=0.05)


def live_lines(directory: Path) -> tuple[list[Record], list[Record]]:
    logged = [record for path in sorted(directory.glob("calls-*.jsonl")) for record in lines(path)]
    return logged, lines(directory / "feedback.jsonl")


def test_the_live_writer_goes_on_where_the_history_ended(tmp_path: Path) -> None:
    write_history(tmp_path, SEED, ANCHOR, days=1, volume=0.5)
    writer = LiveWriter(tmp_path, SEED, ANCHOR, volume=0.5)
    assert writer.write_until(ANCHOR) == 0
    for seconds in range(0, 3600, 100):
        writer.write_until(ANCHOR + timedelta(seconds=seconds))
    expected = Stream(Scenario(SEED, ANCHOR, 0.5), ANCHOR - DAY).until(ANCHOR + timedelta(seconds=3500))
    assert live_lines(tmp_path) == expected


def test_the_live_writer_survives_a_kill_in_the_middle_of_a_line(tmp_path: Path) -> None:
    LiveWriter(tmp_path, SEED, ANCHOR).write_until(ANCHOR + 20 * MINUTE)
    today = tmp_path / "calls-2025-05-14.jsonl"
    today.write_bytes(today.read_bytes()[:-1500])
    LiveWriter(tmp_path, SEED, ANCHOR).write_until(ANCHOR + 29 * MINUTE)
    assert live_lines(tmp_path) == Stream(Scenario(SEED, ANCHOR), ANCHOR).until(ANCHOR + 29 * MINUTE)


def test_the_live_writer_begins_a_new_file_at_midnight(tmp_path: Path) -> None:
    anchor = datetime(2025, 5, 14, 23, 55, tzinfo=UTC)
    LiveWriter(tmp_path, SEED, anchor).write_until(anchor + 15 * MINUTE)
    assert [path.name for path in sorted(tmp_path.glob("calls-*"))] == [
        "calls-2025-05-14.jsonl",
        "calls-2025-05-15.jsonl",
    ]


def test_the_live_writer_is_silent_while_the_source_stops(tmp_path: Path) -> None:
    writer = LiveWriter(tmp_path, SEED, ANCHOR)
    writer.write_until(ANCHOR + 30 * MINUTE)
    assert writer.write_until(ANCHOR + 45 * MINUTE) == 0
    assert writer.write_until(ANCHOR + 50 * MINUTE) > 0
