"""Offline evaluation: criteria, checks and pairs over a dataset or calls of the log, with intervals, run after run."""
