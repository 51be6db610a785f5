"""Feature-free ground: database, HTTP, jobs, clock and the like."""
