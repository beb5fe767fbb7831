"""Companies: several accounts, entries, remittances."""
