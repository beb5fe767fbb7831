"""A fax call between two of our agents over a network that loses, doubles and reorders, by seed:
whatever offers cross, both end with the same way of faxing, at each other's ports."""

from dataclasses import dataclass, field
from functools import partial

import pytest

from support.sip_line import NOTHING, Network
from telebank.sip import (
    AnswerOffer,
    CallOffered,
    Command,
    FaxEnded,
    FaxPorts,
    FaxState,
    FaxSwitch,
    Finished,
    HangUp,
    Hop,
    Negotiation,
    Offer,
    RefuseOffer,
    RunAudio,
    RunT38,
    SwitchCommand,
    SwitchEvent,
    ToneHeard,
    Trouble,
    Withdraw,
)

SENDER = Hop("127.0.0.1", 5070)
RECEIVER = Hop("127.0.0.1", 5060)
PORTS = {SENDER: FaxPorts(7000, 7002), RECEIVER: FaxPorts(6000, 6002)}


@dataclass
class Side:
    """One agent with its switch."""

    network: Network
    address: Hop
    way: str
    leg: str = ""
    runs: list[RunT38 | RunAudio] = field(default_factory=list)
    finished: bool = False

    def __post_init__(self) -> None:
        self.negotiation = Negotiation(self.address[0])
        self.switch = FaxSwitch(
            self.negotiation, PORTS[self.address], self.way,  # type: ignore[arg-type]
            receiving=self.address == RECEIVER,
        )  # fmt: skip
        self.agent = self.network.add(self.address)
        self.busy = False
        self.waiting: list[SwitchEvent] = []

    def tell(self, event: SwitchEvent) -> None:
        """As a fax leg does it: facts that come of carrying out commands wait for their turn."""
        self.waiting.append(event)
        if self.busy:
            return
        self.busy = True
        while self.waiting:
            self.perform(self.switch.receive(self.waiting.pop(0), self.network.now))
        self.busy = False
        self.again()

    def again(self) -> None:
        at = self.switch.wake_at
        if at is not None:
            self.network.later(max(0.0, at - self.network.now), self.wake)

    def wake(self) -> None:
        self.perform(self.switch.wake(self.network.now))
        self.again()

    def perform(self, commands: list[SwitchCommand]) -> None:
        now, agent = self.network.now, self.agent
        for command in commands:
            match command:
                case Offer(sdp):
                    self.do(agent.reoffer(self.leg, sdp, now))
                case AnswerOffer(sdp):
                    self.do(agent.answer(self.leg, sdp, now))
                case RefuseOffer(status):
                    self.do(agent.refuse(self.leg, status, now))
                case Withdraw():
                    self.do(agent.withdraw(self.leg, now))
                case HangUp():
                    self.do(agent.hang_up(self.leg, now))
                case Finished():
                    self.finished = True
                    self.do(agent.hang_up(self.leg, now))
                case RunT38() | RunAudio():
                    self.runs.append(command)
                case _:
                    raise AssertionError(command)

    def do(self, commands: list[Command]) -> None:
        self.network.do(self.address, commands)


def call(network: Network, ways: tuple[str, str]) -> tuple[Side, Side]:
    """A fax call is placed; facts go to the switches."""
    sender, receiver = Side(network, SENDER, ways[0]), Side(network, RECEIVER, ways[1])

    def heard(address: Hop, fact: Command) -> None:
        side = sender if address == SENDER else receiver
        if isinstance(fact, CallOffered):
            side.leg = fact.leg
        if not isinstance(fact, Trouble):
            side.tell(fact)

    network.on_command = heard
    sdp = sender.negotiation.offer_speech(7000, events=False)
    leg, commands = sender.agent.invite(
        "sip:fax@127.0.0.1:5060", "sip:us@127.0.0.1:5070", sdp, 0, destination=RECEIVER
    )
    sender.leg = leg
    sender.do(commands)
    return sender, receiver


WAYS = ("auto auto", "auto peer", "peer auto", "auto never", "never auto", "peer peer")
SEEDS = 12
THROUGH = 11
"""How many calls of `SEEDS` come about at least, over a network as bad as this."""


def agree(sender: Side, receiver: Side, *, over_audio: bool) -> None:
    """Both fax the same way, at each other's ports."""
    state = FaxState.AUDIO if over_audio else FaxState.T38
    assert (sender.switch.state, receiver.switch.state) == (state, state)
    for side, other in ((sender, receiver), (receiver, sender)):
        ports = PORTS[other.address]
        assert side.runs[-1].remote == (other.address[0], ports.audio if over_audio else ports.t38)
        assert len(side.runs) <= 2


def end(network: Network, sender: Side, receiver: Side) -> None:
    sender.tell(FaxEnded())
    network.run(900)
    for side in (sender, receiver):
        assert side.finished
        assert side.agent.counts() == NOTHING


@pytest.mark.parametrize("both", WAYS)
def test_both_sides_end_with_the_same_way(both: str) -> None:
    first, second = both.split()
    over_audio = "never" in both or both == "peer peer"
    through = 0
    for seed in range(SEEDS):
        network = Network(seed, loss=0.15, double=0.1)
        sender, receiver = call(network, (first, second))
        network.later(1.5, partial(sender.tell, ToneHeard("V21")))
        network.later(1.2 + seed / 10, partial(receiver.tell, ToneHeard("CNG")))
        network.run(100)
        if not (sender.finished and receiver.finished):
            agree(sender, receiver, over_audio=over_audio)
            through += 1
        end(network, sender, receiver)
    assert through >= THROUGH
