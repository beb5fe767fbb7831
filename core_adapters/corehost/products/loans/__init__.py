"""Loans, pledged and self-service."""
