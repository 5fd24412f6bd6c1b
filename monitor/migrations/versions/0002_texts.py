"""Baselines, text measurements, scores, and the cache of embeddings"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "baseline",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fitted_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fitted_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("length_s", sa.Integer(), nullable=False),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "segment", "stream", "version"),
    )
    op.create_table(
        "text_measurement",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("length_s", sa.Integer(), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("baseline", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source", "segment", "stream", "length_s", "start"),
    )
    op.create_index("ix_text_measurement_end", "text_measurement", ["end"])
    op.create_table(
        "score",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("p", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("source", "stream", "call_id"),
    )
    op.create_index("ix_score_at", "score", ["at"])
    op.create_table(
        "cache",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_cache_used_at", "cache", ["used_at"])


def downgrade() -> None:
    for name in ("cache", "score", "text_measurement", "baseline"):
        op.drop_table(name)
