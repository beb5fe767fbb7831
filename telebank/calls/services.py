"""What every call on a node shares, handed to it whole."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from telebank import wire
from telebank.calls.clip import Clip
from telebank.calls.edition import Edition
from telebank.calls.endpoint import Endpoint, Fact, local_address
from telebank.calls.faxes.values import FaxLines, FaxOutcome, FaxTask, Progress
from telebank.calls.options import CallOptions
from telebank.calls.recorder import Recorder
from telebank.calls.security import MediaSecurity
from telebank.calls.tellers.values import CallerPort, Ended, Phones, Wants
from telebank.flow.commands import PrepareFax, SendFax
from telebank.flow.session import Session
from telebank.media.client import MediaWorkers
from telebank.sip import CallOffered
from telebank.sip.trunks import TrunkOptions, Trunks
from transactions.answer import Answer as ServiceAnswer
from transactions.card import CardVault
from transactions.outcome import Values
from transactions.request import Language, Request


class RequestProcessor(Protocol):
    """The processor as a call sees it."""

    async def submit(self, request: Request) -> ServiceAnswer:
        """Ask for a service; the work goes on when the caller goes away."""
        ...

    async def told(self, request_id: str, exit_name: str) -> None:
        """The caller has heard the result."""
        ...


@dataclass(frozen=True, slots=True)
class FaxAsked:
    """A caller wants a document on paper."""

    call: str
    """Reference of the call."""
    fax: PrepareFax | SendFax
    """What the menu asked for; `f"{call}-{fax.visit}"` is an idempotency key."""
    customer: str
    """Token of the proven customer, empty where nobody is proven."""
    edition: Edition
    """What the caller hears, and with it the kinds of documents."""
    ask: Callable[[str, Values], Awaitable[ServiceAnswer]]
    """Asks a banking service as this caller: name and inputs; a new request each time."""
    send: "SendHere"
    """Sends pages in this call, now; the caller's menus wait."""
    stop: Callable[[str], None]
    """Ends what is being sent, for a reason; `send` says how far it came."""
    caller: str = field(default="", repr=False)
    """The number that the call shows, in clear: a hint of the way to it, never proof."""


class SendHere(Protocol):
    """Switches a caller's call to a fax and back."""

    async def __call__(
        self, lines: FaxLines, task: FaxTask, on_progress: Callable[[Progress], None]
    ) -> FaxOutcome:
        """`telebank.calls.faxes.leg.FaxLeg.within`."""
        ...


class MadeFax(Protocol):
    """A paper to be sent in its caller's call, with a channel: one of the two, once."""

    async def send(self) -> tuple[str, Values]:
        """Send it: the exit and its data."""
        ...

    async def drop(self) -> None:
        """It is not sent: nothing of it is kept."""
        ...


class Faxes(Protocol):
    """Faxes as a node and its calls see them."""

    def able(self) -> frozenset[str]:
        """Which of `telebank.flow.model.ABILITIES` new calls have."""
        ...

    def attach(self, shell: "CallServices") -> None:
        """The node is about to take calls; what it gives its calls is given to faxes too."""
        ...

    def takes(self, offered: CallOffered) -> bool:
        """Whether a new call is to a number that receives faxes: then its facts are claimed before
        this returns, and no menu is begun. Admission was looked at."""
        ...

    def drain(self) -> None:
        """The node takes no more calls: none is placed for a fax either."""
        ...

    async def prepare(self, asked: FaxAsked) -> MadeFax | str:
        """Make the paper of a fax in its caller's call; else the exit, one of FAX_MADE."""
        ...

    async def demand(self, asked: FaxAsked) -> tuple[str, Values]:
        """Make the document and keep it to be sent in a call of its own, or to be mailed: the exit,
        one of FAX_EXITS of its way or that of a customer without number or address, and its
        data."""
        ...


class Tellers(Protocol):
    """The room of tellers as a node and its calls see it: `telebank.calls.tellers.room`."""

    @property
    def legs(self) -> int:
        """Calls of ours to tellers."""
        ...

    def attach(self, shell: "CallServices", phones: Phones) -> None:
        """The node is about to take calls."""
        ...

    def enqueue(self, port: CallerPort, wants: Wants) -> None:
        """A caller wants a teller; `port` is told what becomes of it, also before this returns."""
        ...

    def choose(self, call: str, number: str) -> bool:
        """He wants to be called back at a number, and keeps his place; without one he waits on.
        False: the number may not be called."""
        ...

    def types(self, call: str) -> None:
        """A caller begins to key another number to be called back at."""
        ...

    def taped(self, call: str, event: wire.CallRecorded) -> None:
        """A recording of his call is over."""
        ...

    def gone(self, call: str, how: Ended = "caller") -> None:
        """He has hung up, or his call was ended: by what."""
        ...

    @property
    def calls_out(self) -> int:
        """Calls to numbers that are up, or about to be placed."""
        ...

    @property
    def kept(self) -> int:
        """Places of those who are to be called back, and are not being called."""
        ...

    def drain(self) -> None:
        """The node is about to stop: nobody is called any more who is not being called now."""
        ...

    async def close(self) -> None:
        """Hang up every teller."""
        ...


class SipActs:
    """The user agent's acts on one leg, carried out at once."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def ring(self, leg: str) -> None:
        """180, reliable where the caller requires that."""
        self._endpoint.perform(self._endpoint.agent.ring(leg, self._endpoint.now()))

    def answer(self, leg: str, sdp: bytes) -> None:
        """200 with an answer or an offer."""
        self._endpoint.perform(self._endpoint.agent.answer(leg, sdp, self._endpoint.now()))

    def reoffer(self, leg: str, sdp: bytes) -> None:
        """re-INVITE with an offer; `OfferAnswered` or `OfferRefused` follows."""
        self._endpoint.perform(self._endpoint.agent.reoffer(leg, sdp, self._endpoint.now()))

    def withdraw(self, leg: str) -> None:
        """An offer that waits after a 491 is not made again."""
        self._endpoint.perform(self._endpoint.agent.withdraw(leg, self._endpoint.now()))

    def refuse(self, leg: str, status: int) -> None:
        """A final refusal of an INVITE or re-INVITE."""
        self._endpoint.perform(self._endpoint.agent.refuse(leg, status, self._endpoint.now()))

    def hang_up(self, leg: str, reason: str = "") -> None:
        """BYE, or what the leg's state asks for instead."""
        now = self._endpoint.now()
        self._endpoint.perform(self._endpoint.agent.hang_up(leg, now, reason=reason))


class MediaPlace(NamedTuple):
    """Where the media of a call is here."""

    bind: str
    """Address that its sockets bind."""
    advertised: str
    """Address in our SDP."""
    by_route: bool = False
    """Neither is said in the settings: each peer is told, and reached from, the address of this
    machine that leads to it."""


class PlacedCall(NamedTuple):
    """What a call of ours to a customer begins with: a reference like those of all calls, and menus
    that he is not in, for what is asked beside them (`Session.beside`)."""

    ref: str
    session: Session
    edition: Edition


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
    media_places: Mapping[int, MediaPlace]
    """Of media, by IP version: one at least, the first is usual."""
    forget: Callable[[str], None]
    """Takes the SIP leg of a call that is over."""
    told: Callable[[str, str], None]
    used: Callable[[str, Sequence[str]], None]
    """Takes a customer's token and what he used in a call that is over."""
    media_stats: Callable[[str, wire.Stats, int], None]
    """Takes a call's figures, and how many packets strangers sent it since those before."""
    notice: Callable[[Language], Clip | None]
    """What new callers hear before the first menu."""
    call_ended: Callable[[str], None]
    """Takes the reference of a call that is over."""
    claim: Callable[[str, Callable[[Fact], None]], None]
    """From now on the facts of a SIP leg go to this, until it is gone or released."""
    release: Callable[[str], None]
    """Nobody takes the facts of this SIP leg any more."""
    security: MediaSecurity
    """Who may have which media."""
    placed: Callable[[], PlacedCall]
    """For each call of ours to a customer."""
    faxes: "Faxes | None" = None
    """Faxes for callers; None: there are none here."""
    trunks: Trunks = field(default_factory=Trunks)
    """Whom calls come from."""
    tellers: Tellers | None = None
    """Tellers for callers; None: there are none here."""

    def media_place(self, *addresses: str) -> MediaPlace:
        """Where media is for a peer: in the IP version of the first of its addresses that this
        machine has, else the usual one. Which of our addresses leads to it the last says: what
        came from there can be answered, while an address in an SDP may be a private one."""
        versions = [6 if ":" in address else 4 for address in addresses if address]
        found = (self.media_places[each] for each in versions if each in self.media_places)
        place = next(found, next(iter(self.media_places.values())))
        if not place.by_route:
            return place
        fits = [one for one in addresses if one and (":" in one) == (":" in place.bind)]
        local = next(filter(None, map(local_address, reversed(fits))), "")
        return MediaPlace(local, local) if local else place

    def speech_of(self, offered: CallOffered) -> tuple[Sequence[str], int]:
        """Codecs in preference and packet time in ms, as the trunk of a call has them."""
        return self.speech_over(offered.trunk)

    def speech_over(self, name: str) -> tuple[Sequence[str], int]:
        """The same of a call of ours over a trunk."""
        trunk = self.trunks.by_name.get(name)
        options = TrunkOptions() if trunk is None else trunk.options
        return options.codecs, options.ptime_ms

    def place_of(self, offered: CallOffered) -> MediaPlace:
        """Where the media of a call offered is: in the IP version of its offer, else of its
        signalling."""
        audio = offered.offer.audio if offered.offer is not None else None
        return self.media_place(audio.address if audio is not None else "", offered.source.host)
