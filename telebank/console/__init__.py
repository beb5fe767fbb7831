"""The web pages: read the store, act only through the node."""
