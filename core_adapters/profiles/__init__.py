"""Host profiles as data: what the adapters share in reading them."""
