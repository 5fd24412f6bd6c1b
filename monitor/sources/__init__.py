"""Where calls are already logged, one file a kind of place."""
