"""The judge: windows, verdicts, what they say, money, canaries, the test of a rise, pairs"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "judge_window",
        _text("source"),
        _when("start"),
        _when("end"),
        _text("state"),
        _when("planned_at"),
        _when("deadline"),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source", "start"),
    )
    op.create_index("ix_judge_window_end", "judge_window", ["end"])
    op.create_table(
        "judge_verdict",
        _text("source"),
        _when("start"),
        *map(_text, ("call_id", "criterion", "voice")),
        _when("at"),
        _text("segment"),
        sa.Column("stratum", sa.Integer(), nullable=False),
        _text("cluster"),
        sa.Column("pi", sa.Float(), nullable=False),
        sa.Column("rank", sa.Float(), nullable=False),
        _text("state"),
        sa.Column("judged_at", WHEN, nullable=True),
        *map(_text, ("rubric", "judge", "model")),
        sa.Column("word", sa.String(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("pass_probability", sa.Float(), nullable=True),
        _long("evidence"),
        sa.Column("quoted", sa.Boolean(), nullable=True),
        _long("reasoning"),
        _long("detail"),
        _text("origin"),
        sa.Column("usd", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("source", "start", "call_id", "criterion", "voice"),
    )
    op.create_index("ix_judge_verdict_at", "judge_verdict", ["at"])
    op.create_table(
        "judge_measurement",
        *map(_text, ("source", "segment")),
        sa.Column("length_s", sa.Integer(), nullable=False),
        _when("start"),
        _when("end"),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source", "segment", "length_s", "start"),
    )
    op.create_index("ix_judge_measurement_end", "judge_measurement", ["end"])
    op.create_table(
        "judge_spend", _when("hour"), sa.Column("usd", sa.Float(), nullable=False), sa.PrimaryKeyConstraint("hour")
    )
    op.create_table(
        "judge_state",
        _text("judge"),
        *(sa.Column(name, WHEN, nullable=True) for name in ("tried_at", "answered_at", "failing_since")),
        _long("problem"),
        sa.PrimaryKeyConstraint("judge"),
    )
    op.create_table(
        "judge_canary",
        sa.Column("id", ID, nullable=False),
        _when("at"),
        *map(_text, ("voice", "criterion", "judge", "rubric")),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_judge_canary_at", "judge_canary", ["at"])
    op.create_table(
        "judge_series",
        *map(_text, ("source", "criterion", "voice", "series")),
        _when("until"),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("alarm", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("source", "criterion", "voice"),
    )
    op.create_table(
        "judge_pair",
        *map(_text, ("source", "name", "pair", "voice")),
        _when("at"),
        *map(_text, ("state", "cluster")),
        sa.Column("judged_at", WHEN, nullable=True),
        *map(_text, ("rubric", "judge")),
        sa.Column("winner", sa.String(), nullable=True),
        sa.Column("consistent", sa.Boolean(), nullable=True),
        sa.Column("position", sa.String(), nullable=True),
        sa.Column("usd", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("source", "name", "pair", "voice"),
    )
    op.create_index("ix_judge_pair_at", "judge_pair", ["at"])


def downgrade() -> None:
    for table in ("pair", "series", "canary", "state", "spend", "measurement", "verdict", "window"):
        op.drop_table(f"judge_{table}")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _long(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _when(name: str) -> sa.Column[object]:
    return sa.Column(name, WHEN, nullable=False)
