"""What people say of calls: read from files, feedback and a page, and drawn so that it speaks of all judged calls."""
