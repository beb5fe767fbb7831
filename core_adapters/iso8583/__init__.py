"""ISO 8583 over TCP: profile, codec, framing, multiplexer, link, host."""
