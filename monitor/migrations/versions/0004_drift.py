"""What the drift detectors remember"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drift_state",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("baseline", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "segment", "stream", "baseline"),
    )


def downgrade() -> None:
    op.drop_table("drift_state")
