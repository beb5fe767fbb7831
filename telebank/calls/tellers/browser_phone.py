"""A teller's browser as his telephone: one leg at a media worker that stays up between calls.

The page offers (SDP: PCMU, DTLS-SRTP, ICE), we answer as an ICE-lite agent, and media go straight
between the browser and the worker. A page that was loaded anew or changed its network offers again:
the new leg takes the place of the old one, in a conversation too. Only legs that were opened beside
each other are joined (`telebank.media.joining`), so while it rings the page is asked to offer anew,
for a leg beside the caller's: the way of its sound is proven before anybody answers.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import structlog

from telebank import wire
from telebank.calls.leg import Leg
from telebank.calls.services import CallServices
from telebank.media.client import MediaChannel, WorkerLost
from telebank.media.process import Event
from telebank.sip import Answer, MalformedDescription, Refused, SessionDescription

log = structlog.get_logger("telebank.tellers")

BROWSER = ".browser"
"""In place of an extension, none of which begins with a dot."""
OFFERS_A_MINUTE = 12
CODECS = ("PCMU",)
"""Every browser has it (RFC 7874 section 3)."""
NOWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared: what an offer says before it has an address
LineState = Literal["wanted", "connecting", "up", "lost"]
"""No leg, or none where it is needed: the page is to offer; keys are being agreed; it can be talked
over; its audio is gone."""
OfferCode = Literal["no_seat", "wrong_state", "one_offer", "too_many_offers", "bad_offer", "media"]


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Why an offer was not taken."""

    code: OfferCode
    why: str = ""


Partner = Callable[[], MediaChannel | None]
"""Whom it is to be joined with, at this moment; None: nobody yet."""


class User(Protocol):
    """Who has it now: `telebank.calls.tellers.browser_line.BrowserLine`."""

    def moved(self) -> None:
        """It has another leg, which is in no mixer."""
        ...

    def turned(self) -> None:
        """Its state is another."""
        ...

    def closed(self) -> None:
        """It is no more."""
        ...


class BrowserPhone:
    """Of one seat, while it is there."""

    def __init__(self, shell: CallServices, changed: Callable[[], None]) -> None:
        """`changed`: the board is to show it."""
        self._shell = shell
        self._changed = changed
        self._leg: Leg | None = None
        self._was_up = False
        self._user: User | None = None
        self._partner: Partner = _nobody
        self._opened_beside: MediaChannel | None = None
        """Whom its leg can be joined with; so it can with whoever is opened beside it later."""
        self._near = True
        """Its leg can be joined with the partner of its user."""
        self._opening = False
        self._offers: deque[float] = deque()
        """When the last ones came."""
        self._closed = False

    @property
    def state(self) -> LineState:
        """How it is."""
        if self.channel is None:
            return "lost" if self._was_up else "wanted"
        if not self._near:
            return "wanted"
        return "up" if self._leg is not None and self._leg.lock else "connecting"

    @property
    def channel(self) -> MediaChannel | None:
        """Its media; None: there are none now."""
        return None if self._leg is None else self._leg.channel

    def now(self) -> float:
        """Monotonic seconds."""
        return self._shell.endpoint.now()

    # -- who has it ---------------------------------------------------------------------------

    def lend(self, user: User, partner: Partner) -> bool:
        """From now on it is this one's; False: somebody has it, or it is closed."""
        if self._user is not None or self._closed:
            return False
        self._user, self._partner = user, partner
        self._near = partner() in (None, self._opened_beside)
        self._changed()
        return True

    def give_back(self, user: User) -> None:
        """He is done with it: it stays up, in no mixer."""
        if self._user is not user:
            return
        self._user, self._partner, self._near = None, _nobody, True
        if (channel := self.channel) is not None:
            channel.leave()
        self._changed()

    def show(self) -> None:
        """Its user is another than he was, on the board too."""
        self._changed()

    # -- offers -------------------------------------------------------------------------------

    async def offer(self, sdp: str, address: str) -> str | OfferRefused:
        """The answer to the page's offer, or why there is none; `address`: where the page is, as
        far as that is known."""
        now = self.now()
        if self._opening:
            return OfferRefused("one_offer")
        while self._offers and self._offers[0] <= now - 60.0:
            self._offers.popleft()
        if len(self._offers) >= OFFERS_A_MINUTE:
            return OfferRefused("too_many_offers")
        self._offers.append(now)
        try:
            description = SessionDescription.parse(sdp.encode())
        except MalformedDescription as error:
            return OfferRefused("bad_offer", str(error))
        if why := unfit(description):
            return OfferRefused("bad_offer", why)
        self._opening = True
        try:
            return await self._open(description, address)
        finally:
            self._opening = False

    async def _open(self, offer: SessionDescription, address: str) -> str | OfferRefused:
        said = offer.audio.address if offer.audio is not None else ""
        place = self._shell.media_place(*(one for one in (said, address) if one not in NOWHERE))
        user, beside = self._user, self._partner()
        if user is not None and beside is None:  # those who come are joined with what is there
            beside = self.channel
        leg = Leg("teller", "", place, CODECS, protection=self._shell.security.to_browser())
        channel = await self._shell.media.open(place.bind, partial(self._media, leg), beside)
        if isinstance(channel, wire.OpenFailed):
            log.warning("line.no_media", why=channel.reason)
            return OfferRefused("media", channel.reason)
        leg.channel = channel
        agreed = leg.answer(offer)
        if isinstance(agreed, Refused) or self._closed:
            leg.close()
            return OfferRefused("no_seat" if self._closed else "bad_offer", _why(agreed))
        self._opened_beside = beside
        self._near = self._user in (None, user)  # who came meanwhile wants it elsewhere
        self._replace(leg, agreed)
        return agreed.sdp.decode()

    def _replace(self, leg: Leg, agreed: Answer) -> None:
        """It is this one from now on; what comes of the one before concerns nobody."""
        before, self._leg = self._leg, leg
        if before is not None:
            before.close()
        leg.apply(agreed)
        if self._user is not None:
            self._user.moved()
        self._turned()

    # -- what becomes of it -------------------------------------------------------------------

    def _media(self, leg: Leg, event: Event) -> None:
        if leg is not self._leg:
            return
        match event:
            case wire.Secured():
                leg.secured()
                self._was_up = True
                self._turned()
            case wire.MediaLost() | wire.SecurityFailed():
                self._lose(type(event).__name__)
            case WorkerLost():
                leg.channel = None
                self._lose(type(event).__name__)
            case wire.JoinFailed():
                log.error("line.not_joined", why=event.reason)
            case _:
                pass

    def _lose(self, why: str) -> None:
        log.warning("line.media_lost", kind=why)
        self._was_up = True
        self._drop()
        self._turned()

    def _drop(self) -> None:
        leg, self._leg = self._leg, None
        if leg is not None:
            leg.close()

    def _turned(self) -> None:
        if self._user is not None:
            self._user.turned()
        self._changed()

    def close(self) -> None:
        """The seat is no more."""
        self._closed = True
        user, self._user = self._user, None
        self._drop()
        if user is not None:
            user.closed()


def _why(agreed: Answer | Refused) -> str:
    return agreed.why if isinstance(agreed, Refused) else ""


def _nobody() -> None:
    return None


def unfit(offer: SessionDescription) -> str:
    """Why an offer is not what a page of ours makes; empty: it is."""
    audio = offer.audio
    if audio is None or len(offer.media) != 1 or not audio.port:
        return "one stream of audio is wanted, and nothing else"
    if not offer.media[0].profile.startswith("UDP/TLS/"):
        return "the audio is to be encrypted by DTLS-SRTP"
    if not audio.ice or offer.lite:
        return "the page is to be a full agent of ICE"
    if audio.pcmu is None:
        return "PCMU at 8000 Hz is not offered"
    if audio.direction != "sendrecv":
        return "the page is to send and to hear"
    return ""
