"""Two stretches of a log compared once: methods side by side, each with what its false alarm means.

Nothing here watches: whoever compares every day at p < 0.05 has a false alarm every twenty days.
"""
