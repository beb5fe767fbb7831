"""What people who watch the lines are told of the sound of a call."""

from telebank import wire
from telebank.calls.standing import quality

HEARD = wire.Stats(
    packets_sent=900, packets_received=880, lost=9, sampled=False, keys=12, dropped_foreign=0,
    keys_dropped=3, discarded=14, loss=0.01, jitter_ms=2.5, mos=4.2,
)  # fmt: skip


def test_a_line_has_what_was_too_late_and_the_keys_that_were_too_fast() -> None:
    assert quality(HEARD) == {
        "loss": 0.01,
        "sampled": False,
        "discarded": 14,
        "keys_dropped": 3,
        "jitter_ms": 2.5,
        "mos": 4.2,
    }


def test_nothing_is_told_before_the_first_figures() -> None:
    assert quality(None) == {}
