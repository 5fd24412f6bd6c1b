"""Measurements of the project itself, each a command that prints JSON lines."""
