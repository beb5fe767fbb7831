"""Messages to and from the workers: what callers enter is in no text that a log might have."""

from telebank import wire


def test_a_key_does_not_say_which() -> None:
    told = {
        repr(wire.Key(channel=12, digit=digit, at=35.5, token=4, secret=secret))
        for digit in "0123456789*#"
        for secret in (False, True)
    }
    assert len(told) == 1
    assert "12" in told.pop()
