"""A bank for the tests of calls without audio."""

from support.quiet_house import folder, host, house

__all__ = ["folder", "host", "house"]
