"""Audit entries: canonical form and leaf hashes (RFC 6962)."""
