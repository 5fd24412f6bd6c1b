"""Kinds of embedders that run in the process."""
