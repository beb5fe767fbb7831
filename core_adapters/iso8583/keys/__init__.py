"""The keys shared with a host: MACs, and their exchange."""
