"""Errors of this room. None of them ever carries a value of a request or of the database."""


class TotalsUnavailable(Exception):  # noqa: N818 - reads as what it is
    """The bank's database gave no usable totals just now; ask again later."""
