"""Test clocks: a test tenant's own time, moved forward with all that falls due on the way."""
