"""What a user may set, and the canonical call: plain models without behaviour."""
