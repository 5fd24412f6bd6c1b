"""Models and fingerprints that were seen, and which source and service an event is about"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    names = ("source", "service")
    with op.batch_alter_table("event") as batch:
        for name in names:
            batch.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("event") as batch:
        for name in names:
            batch.alter_column(name, server_default=None, existing_type=sa.String(), existing_nullable=False)
    op.create_table(
        "identity",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_news", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", "column", "service", "value"),
    )


def downgrade() -> None:
    op.drop_table("identity")
    with op.batch_alter_table("event") as batch:
        for name in ("service", "source"):
            batch.drop_column(name)
