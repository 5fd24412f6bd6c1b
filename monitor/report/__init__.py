"""The drift report: a stretch of the log beside what was learnt, as one HTML file and its numbers as JSON."""
