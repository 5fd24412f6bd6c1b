"""State: the one door to SQLModel and Alembic."""
