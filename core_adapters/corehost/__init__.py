"""The demo bank: a double-entry ledger behind an ISO 8583 server. Never imported by the node."""
