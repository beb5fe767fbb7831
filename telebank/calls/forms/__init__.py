"""Banking services as forms for tellers: described, filled in, read back, confirmed."""
