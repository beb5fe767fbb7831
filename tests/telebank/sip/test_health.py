"""OPTIONS to the peers of trunks: down after misses, up at the first answer."""

from collections.abc import Iterator

from telebank.sip.health import Ask, Changed, Health, Peer
from telebank.sip.trunks import TrunkOptions, Trunks
from telebank.sip.uri import Hop

FIRST, SECOND = Hop("192.0.2.1", 5060), Hop("192.0.2.2", 5060, "tcp")
WATCHED = TrunkOptions(
    peers=("192.0.2.1:5060", "tcp:192.0.2.2:5060"), health_s=30.0, health_misses=2
)
UNWATCHED = TrunkOptions(peers=("192.0.2.9:5060",))
ONE, TWO = Peer("carrier", FIRST), Peer("carrier", SECOND)


def made() -> Health:
    trunks = Trunks({"carrier": WATCHED, "other": UNWATCHED})
    health = Health(trunks.by_name.values())
    health.begin(100.0)
    return health


def until(health: Health, end: float) -> Iterator[tuple[float, Ask | Changed]]:
    """Everything it does by `end`, with its time."""
    while (at := health.wake_at) is not None and at <= end:
        for command in health.wake(at):
            yield at, command


def test_peers_are_asked_one_after_the_other_and_again_and_again() -> None:
    health = made()
    asked = [(100.0, Ask(ONE)), (100.25, Ask(TWO))]
    assert list(until(health, 101.0)) == asked
    assert health.answered(ONE, 200) == []
    assert health.answered(TWO, 405) == []
    assert list(until(health, 131.0)) == [(at + 30.0, ask) for at, ask in asked]


def test_down_after_two_misses_and_up_at_an_answer() -> None:
    health = made()
    events = []
    for at, command in until(health, 145.0):
        if command == Ask(TWO):
            assert health.answered(TWO, 200) == []
        elif isinstance(command, Changed):
            events.append((at, command))
    assert events == [(138.0, Changed(ONE, well=False, left=1))]
    assert health.way("carrier") == SECOND
    assert health.peers("carrier") == [(FIRST, False), (SECOND, True)]
    # A late answer counts too, and whatever it says.
    assert health.answered(ONE, 404) == [Changed(ONE, well=True, left=2)]
    assert health.way("carrier") == FIRST
    assert health.answered(ONE, 200) == []


def test_one_miss_is_forgotten_by_an_answer() -> None:
    health = made()
    for at, command in until(health, 400.0):
        assert isinstance(command, Ask)
        if command.peer == TWO or int(at - 100) // 30 % 2:
            assert health.answered(command.peer, 200) == []


def test_who_says_that_it_takes_no_calls_is_down() -> None:
    health = made()
    changes = []
    for _, command in until(health, 131.0):
        assert isinstance(command, Ask)
        changes += health.answered(command.peer, 503)
    assert changes == [Changed(ONE, well=False, left=1), Changed(TWO, well=False, left=0)]
    # Where none is well the first is tried: perhaps only OPTIONS is not answered.
    assert health.way("carrier") == FIRST


def test_a_peer_nobody_asks_is_taken_for_well() -> None:
    health = made()
    assert health.way("other") == Hop("192.0.2.9", 5060)
    assert health.answered(Peer("other", Hop("192.0.2.9", 5060)), 503) == []
    assert health.way("loopback") is None
    assert health.way("nothing") is None


def test_nothing_to_ask_nothing_to_do() -> None:
    health = Health(Trunks().by_name.values())
    health.begin(0.0)
    assert health.wake_at is None
    assert health.wake(10.0) == []
