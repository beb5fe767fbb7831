"""The telephone bank: voice node, media worker, console and command line."""

__version__ = "0.1.0"
