"""Numbers of one window against two baselines; who accepted a baseline"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXTS = ["source", "segment", "stream", "length_s", "start"]
SCORES = ["source", "stream", "call_id"]


def upgrade() -> None:
    # Whether the service or a person accepted what is there is not known; the service did most of them.
    with op.batch_alter_table("baseline") as batch:
        batch.add_column(sa.Column("automatic", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("baseline") as batch:
        batch.alter_column("automatic", server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
    _key("text_measurement", [*TEXTS, "baseline"])
    with op.batch_alter_table("score") as batch:
        batch.add_column(sa.Column("baseline", sa.String(), nullable=False, server_default=""))
    # A score is against what its window was measured against.
    op.execute(
        sa.text(
            "update score set baseline = coalesce((select max(measured.baseline) from text_measurement as measured"
            " where measured.source = score.source and measured.segment = score.segment"
            " and measured.stream = score.stream and measured.start <= score.at"
            " and score.at < measured.\"end\"), '')"
        )
    )
    with op.batch_alter_table("score") as batch:
        batch.alter_column("baseline", server_default=None, existing_type=sa.String(), existing_nullable=False)
    _key("score", [*SCORES, "baseline"])


def downgrade() -> None:
    op.execute(
        sa.text(
            "delete from text_measurement where exists (select 1 from text_measurement as other"
            " where other.source = text_measurement.source and other.segment = text_measurement.segment"
            " and other.stream = text_measurement.stream and other.length_s = text_measurement.length_s"
            " and other.start = text_measurement.start and other.baseline < text_measurement.baseline)"
        )
    )
    op.execute(
        sa.text(
            "delete from score where exists (select 1 from score as other where other.source = score.source"
            " and other.stream = score.stream and other.call_id = score.call_id and other.baseline < score.baseline)"
        )
    )
    _key("text_measurement", TEXTS)
    _key("score", SCORES)
    for table, column in (("score", "baseline"), ("baseline", "automatic")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)


def _key(table: str, columns: list[str]) -> None:
    """Gives a table another primary key. PostgreSQL named the one it has; SQLite's has none but this convention's."""
    with op.batch_alter_table(table, naming_convention={"pk": "%(table_name)s_pkey"}) as batch:
        batch.drop_constraint(f"{table}_pkey", type_="primary")
        batch.create_primary_key(f"{table}_pkey", columns)
