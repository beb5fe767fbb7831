"""A phone in the terminal: a SIP caller that hears what it is told."""
