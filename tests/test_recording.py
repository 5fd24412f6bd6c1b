"""What rules have read of texts, recorded line by line, and the level that is suggested from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stores
from text_rules_kit import CHAT, HOUR, MAIL, NOON, Written, a_rule, around, house_with

from monitor.recording import of_texts
from monitor.store.database import Database
from monitor.suggestion import Wish, suggest


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    yield from stores.opened(stores.url_of("sqlite", tmp_path, request))


def test_a_level_is_suggested_for_a_rule_about_texts(store: Database) -> None:
    rule = a_rule(above=0.9)
    house = house_with(store, rule)
    for segment in (CHAT, MAIL):
        made = Written(store, segment)
        made.begin()
        for number, share in enumerate([0.1, 0.5, 0.1, 0.4, 0.1, 0.6 if segment == CHAT else 0.1, 0.1, 0.1, 0.1, 0.1]):
            made.window(NOON + number * HOUR, around(share))
    found = list(of_texts(house, house.sources["app"], NOON - HOUR))
    assert {name for name, _ in found} == {"r0"}
    assert len({readings.source for _, readings in found}) == 2  # each line is stepped by itself
    span = (NOON - HOUR, NOON + 10 * HOUR)
    suggestion = suggest("r0", rule, [readings for _, readings in found], span, Wish(3, 11 * HOUR))
    assert (suggestion.level, suggestion.alerts) == (0.4, 3)  # the three that are above it: 0.5 twice, and 0.6
