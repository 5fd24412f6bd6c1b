"""Weeks of minutes in which everything goes wrong, through the real decisions, store, outbox and delivery."""
