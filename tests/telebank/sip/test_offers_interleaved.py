"""Offers and answers in every order that two applications and a slow network can bring: never two
open in one dialog, both ends agree on the same session, and nothing is left when the call is over.

`Exchange` raises `IllegalTransition` where an agent would open a second offer, so each run checks
that of both ends.
"""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from support.sip_line import NOTHING, Network
from telebank.sip import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallOffered,
    CallRefused,
    Command,
    IllegalTransition,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    SessionDescription,
    SipOptions,
    make_offer,
)
from telebank.sip.exchange import MOVES, Exchange, Talk
from telebank.sip.uri import Hop

CALLER, BANK = Hop("127.0.0.1", 5070), Hop("127.0.0.1", 5060)
OPTIONS = SipOptions(reliable_always=True, session_expires=1800, offer_timeout=5.0)


@dataclass
class End:
    """An application: what it offers is told from all else by its port."""

    network: Network
    address: Hop
    refuses: bool
    wait: float
    leg: str = ""
    port: int = 0
    offered: list[int] = field(default_factory=list)
    agreed: tuple[int, int] = (0, 0)
    """Our port and theirs."""
    early: bool = False
    """The call's first session was agreed before its final answer."""
    confirmed: bool = False
    ended: bool = False
    accepted: bool = False
    answering: bool = False
    """An offer waits for us; a call is accepted after it (`UserAgent.answer`)."""
    own: bytes = b""
    """Our description in the provisional response, and then in the 200."""
    first: SessionDescription | None = None
    """What the INVITE offered."""

    def sdp(self) -> bytes:
        self.port += 2
        return make_offer("127.0.0.1", self.port)

    def do(self, commands: list[Command]) -> None:
        self.network.do(self.address, commands)

    def told(self, command: Command) -> None:
        match command:
            case CallOffered(leg=leg):
                self.leg = leg
                self.first = command.offer
            case OfferReceived(offer=offer):
                self.answering = True
                self.network.later(self.wait, lambda: self._answer(offer))
            case CallAnswered(answer=answer):
                self.confirmed = True
                if not self.agreed[1]:
                    self._agreed(answer)
            case CallConfirmed(answer=answer):
                self.confirmed = True
                if answer is not None:
                    self._agreed(answer)
            case OfferAnswered(answer=answer):
                self._agreed(answer)
            case OfferRefused():
                self.offered.clear()
            case CallEnded() | CallRefused():
                self.ended = True

    def _agreed(self, answer: SessionDescription) -> None:
        assert answer.audio is not None
        self.agreed = (self.offered[-1], answer.audio.port)
        self.offered.clear()

    def _answer(self, offer: SessionDescription | None) -> None:
        self.answering = False
        if self.ended:
            return
        agent, now = self.network.agents[self.address], self.network.now
        if self.refuses and self.confirmed:
            self.do(agent.refuse(self.leg, 488, now))
            return
        sdp = self.sdp()
        if offer is None:
            self.offered.append(self.port)
        else:
            assert offer.audio is not None
            self.agreed = (self.port, offer.audio.port)
        self.do(agent.answer(self.leg, sdp, now))

    # Acts of its own

    def progress(self) -> None:
        if self.ended or not self.leg or self.early or self.accepted:
            return
        agent, now = self.network.agents[self.address], self.network.now
        self.early = True
        self.own = self.sdp()
        self._mine()
        self.do(agent.progress(self.leg, 183, self.own, now))

    def _mine(self) -> None:
        if self.first is None:
            self.offered.append(self.port)
        else:
            assert self.first.audio is not None
            self.agreed = (self.port, self.first.audio.port)

    def ring(self) -> None:
        if not self.ended and self.leg and not self.confirmed and not self.accepted:
            agent = self.network.agents[self.address]
            self.do(agent.ring(self.leg, self.network.now))

    def accept(self) -> None:
        if self.ended or not self.leg or self.accepted:
            return
        if self.answering:
            self.network.later(0.5, self.accept)
            return
        agent, now = self.network.agents[self.address], self.network.now
        self.accepted = True
        if self.early:
            self.do(agent.answer(self.leg, self.own, now))
            return
        sdp = self.sdp()
        self._mine()
        self.do(agent.answer(self.leg, sdp, now))

    def reoffer(self) -> None:
        if self.ended or not self.leg or self.offered:
            return
        agent, now = self.network.agents[self.address], self.network.now
        sdp = self.sdp()
        try:
            commands = agent.reoffer(self.leg, sdp, now)
        except IllegalTransition:
            return  # between the 200 and its ACK: the application's own mistake
        self.offered.append(self.port)
        self.do(commands)

    def hang_up(self) -> None:
        if self.leg:
            self.do(self.network.agents[self.address].hang_up(self.leg, self.network.now))


ACTS = st.lists(
    st.tuples(
        st.floats(0.0, 6.0), st.sampled_from(["caller", "bank"]),
        st.sampled_from(["progress", "ring", "reoffer", "accept"]),
    ),
    max_size=8,
)  # fmt: skip


@dataclass(frozen=True)
class Story:
    """One call, and what the two applications do in it."""

    seed: int
    late: bool
    """The INVITE holds no offer."""
    acts: list[tuple[float, str, str]]
    waits: tuple[float, float]
    """Seconds the caller's and the bank's application take over an offer."""
    refuses: tuple[bool, bool]
    """Whether they refuse what is offered within the call."""


STORIES = st.builds(
    Story,
    st.integers(0, 10_000),
    st.booleans(),
    ACTS,
    st.tuples(st.floats(0, 2.0), st.floats(0, 2.0)),
    st.tuples(st.booleans(), st.booleans()),
)


def play(network: Network, story: Story) -> tuple[End, End]:
    caller = End(network, CALLER, story.refuses[0], story.waits[0], port=10_000)
    bank = End(network, BANK, story.refuses[1], story.waits[1], port=20_000)
    by_hop = {end.address: end for end in (caller, bank)}
    for end in by_hop.values():
        network.add(end.address, OPTIONS)
    network.on_command = lambda address, command: by_hop[Hop(*address)].told(command)
    sdp = None if story.late else caller.sdp()
    if sdp is not None:
        caller.offered.append(caller.port)
    caller.leg, commands = network.agents[CALLER].invite(
        "sip:95500@127.0.0.1", "sip:me@127.0.0.1", sdp, 0.0, destination=BANK
    )
    caller.do(commands)
    for at, side, act in story.acts:
        if side == "bank" or act == "reoffer":
            network.later(at, getattr(bank if side == "bank" else caller, act))
    network.later(4.0, bank.accept)
    return caller, bank


@settings(max_examples=200, deadline=None)
@given(STORIES)
def test_both_ends_agree(story: Story) -> None:
    network = Network(story.seed, delay=0.3)
    caller, bank = play(network, story)
    network.run(30.0)
    assert not caller.ended
    assert not bank.ended
    assert bank.confirmed
    assert caller.agreed == bank.agreed[::-1]
    network.now = max(network.now, 30.0)
    caller.hang_up()
    network.run(3_000.0)
    assert bank.ended
    for agent in network.agents.values():
        assert agent.counts() == NOTHING


@settings(max_examples=100, deadline=None)
@given(
    STORIES, st.floats(0, 0.4), st.floats(0, 0.3), st.floats(0.1, 12.0), st.booleans()
)  # fmt: skip
def test_nothing_is_left_whatever_is_lost(
    story: Story, loss: float, double: float, end: float, bank_ends: bool
) -> None:
    network = Network(story.seed, loss, double)
    caller, bank = play(network, story)
    network.later(end, (bank if bank_ends else caller).hang_up)
    network.later(20.0, caller.hang_up)
    network.run(5_000.0)
    for address, agent in network.agents.items():
        assert agent.counts() == NOTHING
        ended = Counter(
            command.leg
            for at, command in network.heard
            if at == address and isinstance(command, CallEnded | CallRefused)
        )
        assert max(ended.values(), default=1) == 1  # each leg ends once


class Offers(RuleBasedStateMachine):
    """The table of open offers under every order of steps."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange()
        self.description = SessionDescription.parse(make_offer("127.0.0.1", 4000))

    def step(self, act: str, allowed: set[Talk]) -> None:
        before = self.exchange.talk
        takes = {
            "offer": lambda: self.exchange.offer(b"ours"),
            "offered": lambda: self.exchange.offered(self.description),
            "answer": lambda: self.exchange.answer(b"ours"),
            "answered": lambda: self.exchange.answered(self.description),
        }
        try:
            takes[act]()
        except IllegalTransition:
            assert before not in allowed
            assert self.exchange.talk is before
        else:
            assert before in allowed
            assert self.exchange.talk in MOVES[before]

    @rule()
    def we_offer(self) -> None:
        self.step("offer", {Talk.NEW, Talk.AGREED})

    @rule()
    def they_offer(self) -> None:
        self.step("offered", {Talk.NEW, Talk.AGREED})

    @rule()
    def we_answer(self) -> None:
        self.step("answer", {Talk.THEIRS})

    @rule()
    def they_answer(self) -> None:
        self.step("answered", {Talk.OURS})

    @rule()
    def it_fails(self) -> None:
        agreed = bool(self.exchange.ours)
        self.exchange.failed()
        assert self.exchange.talk is (Talk.AGREED if agreed else Talk.NEW)


TestOffers = Offers.TestCase
