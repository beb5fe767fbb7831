"""Two user agents over a network that loses, doubles and reorders, by seed."""

import pytest

from support.sip_line import NOTHING, Network
from telebank.sip import (
    Answer,
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallOffered,
    CallRefused,
    Command,
    OfferReceived,
    Trouble,
    answer_audio,
    make_offer,
)
from telebank.sip.uri import Hop

PHONE = Hop("127.0.0.1", 5070)
BANK = Hop("127.0.0.1", 5060)
OFFER = make_offer("127.0.0.1", 40000)


class Bank:
    """A server that picks up and answers every offer, and now and then re-offers or hangs up."""

    def __init__(self, network: Network, mood: int) -> None:
        self.network = network
        self.agent = network.agents[BANK]
        self.mood = mood

    def __call__(self, address: Hop, command: Command) -> None:
        agent = self.network.agents[address]
        now = self.network.now
        match command:
            case CallOffered(leg=leg, offer=offer):
                self._do(address, agent.ring(leg, now))
                body = OFFER if offer is None else self._answer(offer)
                self.network.later(
                    0.4, lambda: self._do(address, agent.answer(leg, body, self.network.now))
                )
            case OfferReceived(leg=leg, offer=offer):
                body = OFFER if offer is None else self._answer(offer)
                self._do(address, agent.answer(leg, body, now))
            case CallConfirmed(leg=leg) if self.mood == 1:
                self._do(address, agent.reoffer(leg, OFFER, now))
            case CallConfirmed(leg=leg) if self.mood == 2:
                self.network.later(
                    3, lambda: self._do(address, agent.hang_up(leg, self.network.now))
                )

    def _answer(self, offer: object) -> bytes:
        answer = answer_audio(offer, "127.0.0.1", 40002)  # type: ignore[arg-type]
        assert isinstance(answer, Answer)
        return answer.sdp

    def _do(self, address: Hop, commands: list[Command]) -> None:
        self.network.do(address, commands)


def a_day(seed: int, loss: float, double: float) -> Network:
    network = Network(seed, loss, double)
    phone = network.add(PHONE)
    network.add(BANK)
    network.on_command = Bank(network, seed % 3)
    for number in range(4):
        network.later(number * 0.7, lambda number=number: _call(network, phone, number))
    network.run(2_000)
    return network


def _call(network: Network, phone: object, number: int) -> None:
    agent = network.agents[PHONE]
    sdp = None if number == 3 else OFFER
    leg, commands = agent.invite(
        "sip:95500@127.0.0.1", "sip:me@127.0.0.1", sdp, network.now, destination=BANK
    )
    network.do(PHONE, commands)
    # One call is given up early, so that CANCEL meets whatever state there is.
    end = 0.5 if number == 2 else 6.0
    if number == 1:
        network.later(2, lambda: network.do(PHONE, _hold(network, leg)))
    network.later(end, lambda: network.do(PHONE, agent.hang_up(leg, network.now)))


def _hold(network: Network, leg: str) -> list[Command]:
    agent = network.agents[PHONE]
    held = any(isinstance(c, CallAnswered) and c.leg == leg for _, c in network.heard)
    ended = any(isinstance(c, CallEnded) and c.leg == leg for _, c in network.heard)
    return agent.reoffer(leg, OFFER, network.now) if held and not ended else []


def endings(network: Network, address: Hop) -> list[str]:
    return [
        c.leg for at, c in network.heard if at == address and isinstance(c, CallEnded | CallRefused)
    ]


@pytest.mark.parametrize("seed", range(40))
def test_both_ends_agree_and_nothing_is_left(seed: int) -> None:
    network = a_day(seed, loss=0.05 * (seed % 7), double=0.1 * (seed % 4))
    for address, agent in network.agents.items():
        assert agent.counts() == NOTHING, f"seed {seed}"
        assert agent.wake_at is None
        ends = endings(network, address)
        assert len(ends) == len(set(ends)), f"seed {seed}: a leg ended twice"
    offered = [c.leg for at, c in network.heard if at == BANK and isinstance(c, CallOffered)]
    assert sorted(endings(network, BANK)) == sorted(offered), f"seed {seed}"
    assert len(endings(network, PHONE)) == 4


def test_a_clean_network_gives_no_trouble() -> None:
    network = a_day(0, loss=0, double=0)
    assert not [c for _, c in network.heard if isinstance(c, Trouble)]
    answered = [c for _, c in network.heard if isinstance(c, CallAnswered)]
    assert len(answered) == 2  # one given up, one with the answer in its ACK


def test_the_same_seed_gives_the_same_day() -> None:
    assert a_day(7, 0.3, 0.3).heard == a_day(7, 0.3, 0.3).heard
