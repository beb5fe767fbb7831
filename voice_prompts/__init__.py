"""What callers hear: texts, readings of values, recorded packs."""
