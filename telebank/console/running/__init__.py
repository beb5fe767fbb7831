"""The page of a day's run: calls by hour, services, faults."""
