"""Drift of texts as a sequential test: windows in, evidence out, with a budget of false alarms.

A window is compared with what is usual at its hour (`expected`), by one score a channel (`channels`); a score becomes
its rank among the scores of the baseline's own windows (`calibrate`), ranks become evidence (`evidence`), evidence and
the size of the effect become alarms (`detector`). `docs/drift.md` tells it to users, `docs/drift-statistics.md` to
statisticians.
"""
