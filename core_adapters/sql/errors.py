"""Errors of this room. None of them ever carries a value of a request or of the database."""

from transactions.ports import TotalsUnavailable

__all__ = ["TotalsUnavailable"]
