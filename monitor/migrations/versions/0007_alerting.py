"""What holds messages back and what became of each alert: timers of groups, notifications, notes, silences"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("alert_group") as batch:
        batch.add_column(sa.Column("wanted", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("waiting_since", WHEN, nullable=True))
        batch.add_column(sa.Column("told_at", WHEN, nullable=True))
        batch.add_column(sa.Column("kept", sa.JSON(), nullable=True))
        for name in ("digest", "acknowledged"):
            batch.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("alert_group") as batch:
        for name in ("digest", "acknowledged"):
            batch.alter_column(name, server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
    with op.batch_alter_table("transition") as batch:
        batch.add_column(sa.Column("alert", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("transition") as batch:
        batch.alter_column("alert", server_default=None, existing_type=sa.String(), existing_nullable=False)
    _name_transitions()
    op.create_index("ix_transition_alert", "transition", ["alert"])
    op.create_table(
        "notification",
        sa.Column("id", ID, nullable=False),
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("outbox", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notification_alert", "notification", ["alert"])
    op.create_index("ix_notification_at", "notification", ["at"])
    op.create_table(
        "note",
        sa.Column("id", ID, nullable=False),
        sa.Column("alert", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_note_alert", "note", ["alert"])
    op.create_index("ix_note_at", "note", ["at"])
    op.create_table(
        "silence",
        sa.Column("id", ID, nullable=False),
        sa.Column("matchers", sa.JSON(), nullable=False),
        sa.Column("starts_at", WHEN, nullable=False),
        sa.Column("ends_at", WHEN, nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_silence_ends_at", "silence", ["ends_at"])


def _name_transitions() -> None:
    """Gives the history that is there the fingerprints by which people ask for an alert."""
    connection = op.get_bind()
    names = sa.text("select distinct rule, source, segment, labels from transition")
    update = sa.text(
        "update transition set alert = :alert"
        " where rule = :rule and source = :source and segment = :segment and labels = :labels"
    )
    rows = [{**row, "alert": _fingerprint(**row)} for row in connection.execute(names).mappings().all()]
    if rows:
        connection.execute(update, rows)


def _fingerprint(rule: str, source: str, segment: str, labels: str) -> str:
    named = {"rule": rule, "source": source} | dict(json.loads(segment)) | dict(json.loads(labels))
    return hashlib.sha256(json.dumps(sorted(named.items())).encode()).hexdigest()[:12]


def downgrade() -> None:
    for table in ("silence", "note", "notification"):
        op.drop_table(table)
    op.drop_index("ix_transition_alert", "transition")
    with op.batch_alter_table("transition") as batch:
        batch.drop_column("alert")
    with op.batch_alter_table("alert_group") as batch:
        for column in ("kept", "acknowledged", "digest", "told_at", "waiting_since", "wanted"):
            batch.drop_column(column)
