"""Faxes in calls: in a caller's own, in calls placed for them, in calls that bring them."""
