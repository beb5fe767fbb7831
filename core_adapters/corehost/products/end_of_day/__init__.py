"""The end of a business date: interest, maturities, bills, and what companies have under way."""
