"""One rule for where we send to, signalling and media: hosts of the peer's network, one each."""

import pytest

from telebank.sip.sdp import Answer, Refused, SessionDescription, answer_audio
from telebank.sip.uri import is_usable

OURS, OURS_6 = "192.0.2.10", "2001:db8::10"
REFUSED = ["127.0.0.1", "127.8.9.1", "255.255.255.255", "240.0.0.1", "224.0.0.1", "bank.example"]
REFUSED_6 = ["::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"]


def offer(address: str) -> SessionDescription:
    family = 6 if ":" in address else 4
    return SessionDescription.parse(
        f"v=0\r\no=- 1 1 IN IP{family} {address}\r\ns=-\r\nc=IN IP{family} {address}\r\n"
        "t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n".encode()
    )


def agreed(address: str, ours: str) -> Answer | Refused:
    return answer_audio(offer(address), ours, 6_000)


@pytest.mark.parametrize(
    ("address", "ours"), [*((a, OURS) for a in REFUSED), *((a, OURS_6) for a in REFUSED_6)]
)
def test_media_and_signalling_refuse_the_same(address: str, ours: str) -> None:
    assert not is_usable(address, ours)
    assert isinstance(agreed(address, ours), Refused)


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("192.0.2.1", OURS),
        ("10.1.2.3", OURS),
        ("100.64.0.9", OURS),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.1"),
        ("::1", "::1"),
        ("2001:db8::1", OURS_6),
        ("fd00::7", OURS_6),
    ],
)
def test_hosts_of_the_peers_network_are_taken(address: str, ours: str) -> None:
    assert is_usable(address, ours)
    assert isinstance(agreed(address, ours), Answer)


@pytest.mark.parametrize(("address", "ours"), [("0.0.0.0", OURS), ("::", OURS_6)])
def test_nowhere_is_a_hold_for_media_alone(address: str, ours: str) -> None:
    assert not is_usable(address, ours)
    answer = agreed(address, ours)
    assert isinstance(answer, Answer)
    assert answer.hold
