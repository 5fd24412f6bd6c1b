"""Windows in, measurements out: statistics that know nothing of alerts, schedules or our database."""
