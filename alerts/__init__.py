"""Measurements in, messages out: rules, the pipeline and the notifiers."""
