"""What the tools where people annotate export, one file a tool; shapes as of August 2026."""
