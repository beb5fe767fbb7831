"""What every call on a node shares, handed to it whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from telebank import wire
from telebank.calls.clip import Clip
from telebank.calls.endpoint import Endpoint
from telebank.calls.options import CallOptions
from telebank.calls.recorder import Recorder
from telebank.media.client import MediaWorkers
from telebank.sip import Answer, Refused, SessionDescription, make_offer, read_answer
from transactions.answer import Answer as ServiceAnswer
from transactions.card import CardVault
from transactions.request import Language, Request


class RequestProcessor(Protocol):
    """The processor as a call sees it."""

    async def submit(self, request: Request) -> ServiceAnswer:
        """Ask for a service; the work goes on when the caller goes away."""
        ...

    async def told(self, request_id: str, exit_name: str) -> None:
        """The caller has heard the result."""
        ...


class SipActs:
    """The user agent's acts on one leg, carried out at once."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def answer(self, leg: str, sdp: bytes) -> None:
        """200 with an answer or an offer."""
        self._endpoint.perform(self._endpoint.agent.answer(leg, sdp, self._endpoint.now()))

    def refuse(self, leg: str, status: int) -> None:
        """A final refusal of an INVITE or re-INVITE."""
        self._endpoint.perform(self._endpoint.agent.refuse(leg, status, self._endpoint.now()))

    def hang_up(self, leg: str, reason: str = "") -> None:
        """BYE, or what the leg's state asks for instead."""
        now = self._endpoint.now()
        self._endpoint.perform(self._endpoint.agent.hang_up(leg, now, reason=reason))


@dataclass(slots=True)
class CallServices:
    """One node's parts as its calls use them."""

    node_id: str
    options: CallOptions
    endpoint: Endpoint
    act: SipActs
    media: MediaWorkers
    processor: RequestProcessor
    vault: CardVault
    recorder: Recorder
    advertised: str
    """Address in our SDP."""
    media_address: str
    """Address that media sockets bind."""
    forget: Callable[[str], None]
    """Takes the SIP leg of a call that is over."""
    told: Callable[[str, str], None]
    used: Callable[[str, Sequence[str]], None]
    """Takes a customer's token and what he used in a call that is over."""
    media_stats: Callable[[str, wire.Stats], None]
    notice: Callable[[Language], Clip | None]
    """What new callers hear before the first menu."""
    call_ended: Callable[[str], None]
    """Takes the reference of a call that is over."""

    def offer(self, port: int, session_id: int = 1, version: int = 1) -> bytes:
        """Our own offer, for an INVITE or re-INVITE that came without one."""
        return make_offer(self.advertised, port, session_id=session_id, version=version)

    def read_answer(self, port: int, answer: SessionDescription) -> Answer | Refused:
        """What the peer made of that offer."""
        return read_answer(SessionDescription.parse(self.offer(port)), answer)
