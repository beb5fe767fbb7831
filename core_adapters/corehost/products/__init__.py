"""The demo bank's products: each a module of its own over the ledger and the priced orders."""
