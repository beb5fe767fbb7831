"""How long things are kept, and what must be kept longer: rules, legal holds, the sweep."""

from telebank.retention.holds import held

__all__ = ["held"]
