"""Calls in which far too much is asked: they cost themselves, and nobody else's call."""

import pytest

from support.sip_line import NOTHING, PEER, SDP, US, Line, tokens
from telebank.sip import CallOffered, SipOptions, UserAgent
from telebank.sip.admission import AdmissionOptions
from telebank.sip.crowding import ENOUGH
from telebank.sip.trunks import TrunkOptions, Trunks
from telebank.sip.uri import Hop

OTHER = Hop("192.0.2.30", 5062)
WIDE = AdmissionOptions(setups_per_s=1e6, others_per_s=1e6)


class House(Line):
    """An agent with two trunks; calls of `PEER` and `OTHER` by their Call-ID."""

    def __init__(self, options: SipOptions | None = None) -> None:
        super().__init__()
        hops = {"crowd": PEER, "quiet": OTHER}
        trunks = {
            name: TrunkOptions(addresses=(hop.host,), setups_per_s=1e6)
            for name, hop in hops.items()
        }
        self.agent = UserAgent(US, options or SipOptions(), tokens("t"), Trunks(trunks), WIDE)
        self.tags: dict[str, str] = {}

    def call(self, call_id: str, source: Hop) -> None:
        """A call up to its ACK."""
        self.call_id = call_id
        assert self.hears(self.invite(), source) == ["> 100 INVITE", "CallOffered"]
        assert self.did(self.agent.answer(self.leg, SDP.encode(), self.now)) == ["> 200 INVITE"]
        self.tags[call_id] = self.our_tag
        assert self.hears(self.request("ACK", cseq=1), source) == ["CallConfirmed"]

    def asks(self, call_id: str, method: str, source: Hop, cseq: int) -> list[str]:
        self.call_id = call_id
        return self.hears(self.request(method, cseq=cseq, to_tag=self.tags[call_id]), source)


def test_a_call_may_ask_forty_at_once_and_twenty_a_second() -> None:
    house = House()
    house.call("one", PEER)
    said = [house.asks("one", "OPTIONS", PEER, cseq) for cseq in range(2, 62)]
    assert said == [["> 200 OPTIONS"]] * 40 + [["> 503 OPTIONS"]] * 20
    assert house.last().first("retry-after") == "5"
    house.now += 1.0
    said = [house.asks("one", "OPTIONS", PEER, cseq) for cseq in range(62, 92)]
    assert said == [["> 200 OPTIONS"]] * 20 + [["> 503 OPTIONS"]] * 10
    assert house.asks("one", "BYE", PEER, 99) == ["> 200 BYE", "CallEnded remote"]
    assert house.quiet() == NOTHING


@pytest.mark.parametrize("method", ["OPTIONS", "INFO", "UPDATE", "INVITE"])
def test_a_call_that_goes_on_is_ended(method: str) -> None:
    house = House()
    house.call("one", PEER)
    lines: list[str] = []
    for cseq in range(2, 2_000):
        lines += house.asks("one", method, PEER, cseq)
    assert lines.count("CallEnded error") == 1
    assert lines.count("> BYE") == 1
    assert lines.count("Trouble crowded call") == 1
    assert house.agent.counts()["transactions"] < 50
    assert house.asks("one", "BYE", PEER, 3_000) == ["> 503 BYE"]  # ours is on its way
    assert house.quiet() == NOTHING


def test_after_a_rest_nothing_is_held_against_a_call() -> None:
    house = House()
    house.call("one", PEER)
    cseq = 1
    for _ in range(10):
        for _ in range(ENOUGH // 2):
            cseq += 1
            house.asks("one", "OPTIONS", PEER, cseq)
        house.wait(5.0)
    assert house.asks("one", "OPTIONS", PEER, cseq + 1) == ["> 200 OPTIONS"]


def test_a_call_that_is_not_answered_yet_is_refused() -> None:
    house = House()
    house.call_id = "one"
    assert house.hears(house.invite()) == ["> 100 INVITE", "CallOffered"]
    house.did(house.agent.ring(house.leg, house.now))
    house.tags["one"] = house.our_tag
    lines: list[str] = []
    for cseq in range(2, 500):
        lines += house.asks("one", "OPTIONS", PEER, cseq)
    assert "CallEnded error" in lines
    assert "> 500 INVITE" in lines
    assert house.quiet() == NOTHING


def test_a_call_whose_200_waits_for_its_ack_ends_after_it() -> None:
    house = House()
    house.call_id = "one"
    house.hears(house.invite())
    house.did(house.agent.answer(house.leg, SDP.encode(), house.now))
    house.tags["one"] = house.our_tag
    lines: list[str] = []
    for cseq in range(2, 500):
        lines += house.asks("one", "OPTIONS", PEER, cseq)
    assert "CallEnded error" in lines
    assert "> BYE" not in lines
    assert house.asks("one", "ACK", PEER, 1) == ["> BYE"]


def test_one_trunk_has_half_of_the_table() -> None:
    house = House(SipOptions(max_transactions=100))
    for number in range(4):
        house.call(f"crowd-{number}", PEER)
    house.call("quiet", OTHER)
    for number in range(4):
        for cseq in range(2, 30):
            house.asks(f"crowd-{number}", "OPTIONS", PEER, cseq)
    assert house.agent._core.layer.shares == {"crowd": 50}
    assert house.asks("crowd-0", "OPTIONS", PEER, 40) == ["> 503 OPTIONS"]
    assert house.asks("quiet", "OPTIONS", OTHER, 2) == ["> 200 OPTIONS"]
    house.call_id = "new"
    assert house.hears(house.invite(), OTHER) == ["> 100 INVITE", "CallOffered"]
    assert isinstance(house.commands[-1], CallOffered)
    for number in range(4):
        assert house.asks(f"crowd-{number}", "BYE", PEER, 50)[0] == "> 200 BYE"
    house.wait(33.0)
    assert house.agent._core.layer.shares == {}


def test_a_full_table_takes_every_bye() -> None:
    """Transactions of two trunks fill the table; who hangs up is answered all the same."""
    house = House(SipOptions(max_transactions=20, max_pending=100))
    for number in range(8):
        house.call(f"{number}", (PEER, OTHER)[number % 2])
    for number in range(8):
        for cseq in range(2, 30):
            house.asks(f"{number}", "OPTIONS", (PEER, OTHER)[number % 2], cseq)
    house.agent._core.options = SipOptions(max_transactions=8)
    assert house.asks("0", "OPTIONS", PEER, 40) == ["> 503 OPTIONS"]
    for number in range(8):
        source = (PEER, OTHER)[number % 2]
        assert house.asks(f"{number}", "BYE", source, 50) == ["> 200 BYE", "CallEnded remote"]
    assert house.quiet() == NOTHING
