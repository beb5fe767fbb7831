"""The node's control socket, by families of paths."""
