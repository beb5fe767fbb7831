"""How messages travel: connections, sign-on, matching, fail-over."""
