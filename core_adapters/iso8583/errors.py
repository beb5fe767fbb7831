"""Errors of this room, split by who is at fault. None of them ever carries a field's value."""


class Iso8583Error(ValueError):
    """Base of every error of this room."""


class EncodeError(Iso8583Error):
    """Our side built a message that the profile cannot carry: a bug or a wrong profile."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"field {field}: {why}")
        self.field = field


class DecodeError(Iso8583Error):
    """The peer sent bytes that are no message of this profile."""

    def __init__(self, field: str, why: str, position: int = 0) -> None:
        super().__init__(f"field {field} at byte {position}: {why}")
        self.field = field
        self.position = position


class FramingError(Iso8583Error):
    """The peer's stream cannot be cut into messages; the connection is of no more use."""
