"""Reading the texts of a source: learns what is normal, then measures every text window that has closed.

Texts have a schedule of their own, because embedding takes seconds: traffic never waits for them. The source itself is
held only while a sample is drawn.
"""
