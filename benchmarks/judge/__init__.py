"""Whether the numbers that judges give can be believed."""
