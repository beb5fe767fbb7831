"""SIP and SDP as machines: no I/O, no clock (RFC 3261, RFC 3264, RFC 4566)."""
