"""What people say of calls, and which calls they are asked about"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "label",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("criterion", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("given_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("source", "criterion", "call_id", "who"),
    )
    op.create_index("ix_label_at", "label", ["at"])
    op.create_table(
        "label_draw",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("criterion", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("place", sa.Float(), nullable=False),
        sa.Column("drawn_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("source", "criterion", "call_id"),
    )
    op.create_index("ix_label_draw_at", "label_draw", ["at"])


def downgrade() -> None:
    for table in ("label_draw", "label"):
        op.drop_table(table)
