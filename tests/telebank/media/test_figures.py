"""What a call's quality is reckoned from."""

import pytest

from telebank.media.figures import Own, stats
from telebank.media.quality import mos
from telebank.media.reception import Reception
from telebank.media.reports import Reports
from telebank.rtp import Packet


@pytest.mark.parametrize("late", [0, 10, 50, 100, 1_000])
def test_packets_too_late_count_as_lost_in_the_quality_alone(late: int) -> None:
    reception = Reception()
    for sequence in range(100):
        reception.receive(Packet(8, False, sequence, sequence * 160, 1, b""))
    own = Own(7, keys=3, keys_dropped=2, foreign=1, late=late, listening=True, buffered_ms=30.0)
    made = stats(4, own, reception, Reports())
    assert (made.lost, made.loss, made.discarded, made.keys_dropped) == (0, 0.0, late, 2)
    assert made.mos == pytest.approx(mos(min(late, 100) / 100, 50.0, concealed=True), abs=0.01)
