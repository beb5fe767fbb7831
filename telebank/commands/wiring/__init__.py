"""What a node is made of, put together."""
