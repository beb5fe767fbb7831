"""What a card may be used for."""
