"""The error of a profile, whichever adapter it is for."""


class ProfileError(ValueError):
    """A profile that cannot stand: file, line and what to do."""
