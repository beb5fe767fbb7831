"""A demo bank for the tests of one file."""

from support.host_command import host

__all__ = ["host"]
