"""Foreign exchange: the market, accounts, deals, orders at a rate."""
