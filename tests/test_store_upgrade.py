"""The store of an earlier release is brought to the present one without losing what it holds, on both engines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stores
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel, select

from detectors.measurement import Segment
from monitor.store import baselines, texts
from monitor.store.database import MIGRATIONS, Database, create
from monitor.store.tables import ScoreRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=stores.ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return stores.url_of(request.param, tmp_path, request)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create(url)
    yield engine
    engine.dispose()


def bring(engine: Engine, to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        known = connection.dialect.has_table(connection, "score")
        (command.downgrade if known and to < "0003" else command.upgrade)(config, to)


def fill(engine: Engine) -> None:
    """What a service of release 0002 left: a baseline, two windows, and scores inside and outside of them."""

    def at(moment: datetime) -> datetime | str:
        return moment if engine.dialect.name == "postgresql" else f"{moment:%Y-%m-%d %H:%M:%S.%f}"

    start, place = NOW - 2 * HOUR, {"source": "app", "segment": "[]", "stream": "prompt"}
    fit = place | {"version": "v1", "fitted": at(NOW - 90 * HOUR), "until": at(start), "body": b"\x00\xff"}
    windows = [place | {"start": at(start + n * HOUR), "end": at(start + (n + 1) * HOUR)} for n in range(2)]
    scores = [{"call": f"c{n}", "at": at(start + n * HOUR)} for n in (-1, 0, 1, 2)]
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into baseline (source, segment, stream, version, state, pinned, fitted_at, fitted_from,"
                " fitted_until, length_s, read_until, facts, body) values (:source, :segment, :stream, :version,"
                " 'accepted', false, :fitted, :fitted, :until, 3600, :until, '{\"rows\": 3}', :body)"
            ),
            fit,
        )
        connection.execute(
            text(
                'insert into text_measurement (source, segment, stream, length_s, start, "end", baseline, body,'
                " findings) values (:source, :segment, :stream, 3600, :start, :end, 'v1', '[]', '{}')"
            ),
            windows,
        )
        connection.execute(
            text(
                "insert into score (source, stream, call_id, at, segment, score, p)"
                " values ('app', 'prompt', :call, :at, '[]', 1.5, 0.01)"
            ),
            scores,
        )


def keys(engine: Engine) -> dict[str, set[str]]:
    found = inspect(engine)
    return {
        name: set(found.get_pk_constraint(name)["constrained_columns"])
        for name in found.get_table_names()
        if name != "alembic_version"
    }


def test_the_primary_keys_are_those_of_the_models(url: str) -> None:
    for store in stores.opened(url):
        wanted = {
            table.name: {column.name for column in table.primary_key} for table in SQLModel.metadata.tables.values()
        }
        assert keys(store.engine) == wanted


def test_what_an_earlier_store_holds_of_texts_is_kept(engine: Engine, url: str) -> None:
    bring(engine, "0002")
    fill(engine)
    store = Database.open(url)
    with store.reading() as session:
        (baseline,) = baselines.in_use(session)
        assert (baseline.version, baseline.segment, baseline.automatic) == ("v1", Segment(), True)
        assert (baseline.fitted_until, baseline.read_until) == (NOW - 2 * HOUR, NOW - 2 * HOUR)
        assert (baselines.facts(session, baseline), baselines.body(session, baseline)) == ({"rows": 3}, b"\x00\xff")
        windows = texts.between(session, "app", NOW - 2 * HOUR, NOW)
        assert [(each.window.start, each.baseline) for each in windows] == [
            (NOW - 2 * HOUR, "v1"),
            (NOW - HOUR, "v1"),
        ]
        scores = session.exec(select(ScoreRow.call_id, ScoreRow.baseline, ScoreRow.p)).all()
    # The two outside of every window that is kept belong to no baseline any more.
    assert sorted(scores) == [("c-1", "", 0.01), ("c0", "v1", 0.01), ("c1", "v1", 0.01), ("c2", "", 0.01)]
    indexes = {each["name"] for table in ("text_measurement", "score") for each in inspect(engine).get_indexes(table)}
    assert indexes == {"ix_text_measurement_end", "ix_score_at"}
    store.close()


def test_one_can_go_back_and_keeps_one_row_of_each_window(engine: Engine, url: str) -> None:
    bring(engine, "0002")
    before = keys(engine)
    fill(engine)
    store = Database.open(url)
    with store.transaction() as session:
        windows = texts.between(session, "app", NOW - 2 * HOUR, NOW)
        texts.save(session, [replace(each, baseline="v2") for each in windows])
    store.close()
    bring(engine, "0002")
    assert keys(engine) == before
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from text_measurement where baseline = 'v1'")).scalar() == 2
        assert connection.execute(text("select count(*) from text_measurement")).scalar() == 2
        assert connection.execute(text("select count(*) from score")).scalar() == 4
