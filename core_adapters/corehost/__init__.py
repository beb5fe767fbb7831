"""The demo core host: a real ledger behind an ISO 8583 server. Never imported by the node."""
