"""How messages are written: fields, subfields, lengths, the codec."""
