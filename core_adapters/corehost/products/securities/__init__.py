"""Securities funds at the broker, and money between them and the card."""
