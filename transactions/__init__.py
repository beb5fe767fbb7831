"""Money, service contracts, requests and outcomes, and the Processor that owns them."""
