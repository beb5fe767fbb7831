"""Bills that the bank collects for others."""
