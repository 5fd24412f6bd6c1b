"""Time and I/O: sources, the store, the schedule, the exporter, the web server, the command line."""
