"""Pages of matters: what is still to be done after talks."""
