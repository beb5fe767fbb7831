"""Documents on paper: what statements, receipts and reports share."""
