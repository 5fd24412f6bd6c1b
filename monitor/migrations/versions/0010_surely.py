"""How sure a change of state was: the interval of its value, the calls behind it, and what it was compared with"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("transition") as batch:
        batch.add_column(sa.Column("lower", sa.Float(), nullable=True))
        batch.add_column(sa.Column("upper", sa.Float(), nullable=True))
        batch.add_column(sa.Column("n", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("compared", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("transition") as batch:
        for column in ("lower", "upper", "n", "compared"):
            batch.drop_column(column)
