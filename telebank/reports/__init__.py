"""Reports for people, as CSV and PDF."""
