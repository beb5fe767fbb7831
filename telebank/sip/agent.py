"""`UserAgent`: a SIP user agent without I/O or clock, server and client in one."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from ipaddress import ip_address
from math import inf

from telebank.sip.admission import AdmissionOptions
from telebank.sip.core import Core
from telebank.sip.digest import Account
from telebank.sip.door import Door, Standing
from telebank.sip.events import (
    CloseConnection,
    Command,
    ConnectionLost,
    Event,
    PeerChanged,
    SendDatagram,
    Trouble,
)
from telebank.sip.faults import Faults
from telebank.sip.health import Ask, Changed, Health, Peer
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import (
    HeaderLines,
    MalformedMessage,
    Request,
    parse,
    write_refusal,
)
from telebank.sip.options import SipOptions
from telebank.sip.places import Places
from telebank.sip.refer import Transfers
from telebank.sip.registering import REGISTRAR, PhoneOptions, Registering
from telebank.sip.reoffer import OurOffers
from telebank.sip.session_timer import SessionTimers
from telebank.sip.transaction import IllegalTransition
from telebank.sip.trunks import Trunks
from telebank.sip.uac import ClientSide
from telebank.sip.uas import ServerSide
from telebank.sip.uri import Address, BadUri, Hop, scheme_of

HEALTH = "health"
"""Owner of the timer that asks peers."""


class UserAgent:
    """One user agent on any number of sockets. Every act returns what to do, in order.

    `local` is what is written into Via and Contact, an address for UDP alone; `token` gives
    identifiers that nobody can guess (16 hex digits or more). Acts on a leg that is already gone,
    and answers to an offer that was cancelled meanwhile, do nothing. An act that the leg's state
    does not allow raises `IllegalTransition`.
    """

    def __init__(
        self,
        local: Places | Hop | Address,
        options: SipOptions,
        token: Callable[[], str],
        trunks: Trunks | None = None,
        admission: AdmissionOptions | None = None,
        *,
        phones: PhoneOptions | None = None,
    ) -> None:
        """Without `trunks` everybody is let in, by no trunk and without a limit on what comes."""
        places = local if isinstance(local, Places) else Places(Hop(*local))
        for place in places.hops:
            try:
                ip_address(place.host)
            except ValueError as error:
                raise ValueError(f"advertise an IP address, not '{place.host}'") from error
        self._core = Core(places, options, token)
        self._faults = Faults(self._core)
        self._door: Door | None = None
        if trunks is not None:
            self._door = Door(self._core, trunks, admission or AdmissionOptions(), token)
            self._core.sign = self._door.sign
        self._phones: Registering | None = None
        if phones is not None and phones.realm:
            self._phones = Registering(self._core, self._door, phones, token)
        self._health = Health(trunks.by_name.values() if trunks is not None else ())
        self._timers = timers = SessionTimers(self._core)
        self._transfers = transfers = Transfers(self._core)
        self._server = ServerSide(self._core, self._door, self._phones, timers, transfers)
        self._offers = OurOffers(self._core, timers, self._server.free)
        self._client = ClientSide(self._core, self._door, timers, transfers, self._offers)
        self._leg_timers: dict[str, Callable[[Leg, float], None]] = {
            "ok": self._server.repeat_ok,
            "ack": self._server.no_ack,
            "ring": self._rang_out,
            "offer": self._offer_unanswered,
            "glare": self._offers.ask_again,
            "cancel": self._cancelled,
            "progress": self._server.reliable.repeat,
            "prack": self._server.reliable.unheard,
            "refresh": timers.refresh,
            "expire": timers.expired,
            "notify": transfers.untold,
            "refer": transfers.silent,
        }

    # The machine

    @property
    def wake_at(self) -> float | None:
        """When `wake` has something to do, None for never."""
        at = self._core.timers.next()
        return None if at == inf else at

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take one message, or the end of a connection; never raises for what is in it."""
        self._core.now = now
        try:
            self._received(event, now)
        except Exception as error:  # noqa: BLE001 - the boundary of one call: it ends, no other does
            self._faults.in_event(error, event, now)
        return self._core.take()

    def _received(self, event: Event, now: float) -> None:
        if isinstance(event, ConnectionLost):
            for transaction in self._core.layer.lost(event.hop, now):
                self._client.lost(transaction, now)
            return
        source = Hop(*event.source)
        if source.reliable:
            self._core.layer.streams[source] = event.names
        self._message(event.data, source, now)

    def _message(self, data: bytes, source: Hop, now: float) -> None:
        if not data.strip(b"\r\n\x00"):
            return  # keep-alive (RFC 5626 3.5.1, and what others send for it)
        door = self._door
        if door is not None and not door.lets(data, source, now):
            return
        try:
            message = parse(data)
        except MalformedMessage as error:
            self._malformed(error, source)
            if door is not None:
                door.failed(source, now)
            return
        if isinstance(message, Request):
            message.source = source
            self._server.request(message, source, now)
        else:
            self._client.response(message, source, now)

    def wake(self, now: float) -> list[Command]:
        """Do what is due by `now`; never raises for what comes of it."""
        self._core.now = now
        while (timer := self._core.timers.pop(now)) is not None:
            owner, name = timer
            try:
                self._due(owner, name, now)
            except Exception as error:  # noqa: BLE001 - the boundary of one call, as in `receive`
                self._faults.in_timer(error, owner, now)
        return self._core.take()

    def _due(self, owner: Hashable, name: str, now: float) -> None:
        if owner == HEALTH:
            self._look(now)
        elif owner == REGISTRAR and self._phones is not None:
            self._phones.wake(now)
        elif isinstance(owner, str):
            self._leg_timers[name](self._core.legs[owner], now)
        else:
            assert isinstance(owner, tuple)
            silent = self._core.layer.fire(owner, name, now)
            if silent is not None:
                self._client.expired(silent, now)

    # Acts of the application

    def ring(self, leg: str, now: float) -> list[Command]:
        """180 to a call offered."""
        return self.progress(leg, 180, b"", now)

    def progress(self, leg: str, status: int, sdp: bytes, now: float) -> list[Command]:
        """A provisional response to a call offered, reliable where the caller wants that (RFC
        3262). `sdp` (empty: none) answers its offer: early media, and the 200 must then hold the
        same; where the INVITE held no offer it is ours, sent only if the response is reliable
        (`OfferAnswered` brings the answer). A caller that requires reliable responses and made no
        offer is told nothing without `sdp` (RFC 3261 13.2.1), and nothing is said while `answer`
        waits for a PRACK."""
        if not 101 <= status <= 199:  # noqa: PLR2004
            raise ValueError(f"{status} is no provisional response: use 101 to 199")
        if (found := self._leg(leg)) is not None:
            self._server.progress(found, status, sdp, now)
        return self._core.take()

    def answer(self, leg: str, sdp: bytes, now: float) -> list[Command]:
        """Accept an offer received within a call, open or not answered yet, or else a call offered.
        Of a call whose session was agreed in a reliable provisional response `sdp` is not sent."""
        found = self._leg(leg)
        if found is None:
            return []
        if found.state is LegState.OFFERED and not found.asked:
            self._server.accept(found, sdp, now)
        elif found.unpracked:
            self._client.reliable.answer(found, sdp, now)
        elif found.unacked[:1] == ("c",):
            self._client.answer_in_ack(found, sdp, now)
        else:
            self._server.accept_again(found, sdp, now)
        return self._core.take()

    def refuse(
        self,
        leg: str,
        status: int,
        now: float,
        *,
        reason: str | None = None,
        headers: HeaderLines = (),
    ) -> list[Command]:
        """Refuse an offer within a call, or else a call offered (then `CallEnded` follows at once).
        An offer in a provisional response to our INVITE cannot be refused: the call is given
        up."""
        if not 300 <= status <= 699:  # noqa: PLR2004
            raise ValueError(f"{status} is no refusal: use 300 to 699")
        found = self._leg(leg)
        if found is None:
            return []
        if found.state is LegState.OFFERED and not found.asked:
            self._server.refuse(found, status, now, reason, headers)
        elif found.unpracked:
            return self.hang_up(leg, now, reason=f"offer refused with {status}")
        else:
            self._server.refuse_again(found, status, now, reason, headers)
        return self._core.take()

    def hang_up(self, leg: str, now: float, *, reason: str = "") -> list[Command]:
        """End a call in whatever state it is; `CallEnded` follows at once."""
        found = self._leg(leg)
        if found is None:
            return []
        if found.state is LegState.OFFERED:
            self._server.refuse(found, 487, now, None, ())
            return self._core.take()
        self._core.end(found, "local", reason or "hung up")
        if found.state is LegState.CALLING:
            self._client.give_up(found, now)
        elif found.state is LegState.LIVE:
            self._finish_ack(found, now)
            self._core.bye(found, now, reason)
        # ANSWERED: the BYE waits for the ACK or its time-out (RFC 3261 15).
        return self._core.take()

    def invite(
        self,
        target_uri: str,
        from_uri: str,
        sdp: bytes | None,
        now: float,
        *,
        destination: Hop | Address,
        trusted: bool = False,
        trunk: str = "",
        by_flow: bool = False,
    ) -> tuple[str, list[Command]]:
        """Place a call. With `sdp` None the other side offers: `OfferReceived`, then `answer`. A
        `trusted` side may redirect it with a 3xx, once (`CallRedirected`), and transfer it. Over a
        `trunk` its limits hold (503 where they are reached), its password is used, and it is
        trusted as its settings say. `by_flow`: `destination` is the only way to the other side (a
        phone behind address translation), whatever its Contact says. Raises `BadUri`, also for a
        sips target that `destination` does not reach over TLS."""
        if scheme_of(target_uri) == "sips" and Hop(*destination).transport != "tls":
            raise BadUri("a sips target goes over TLS alone")
        leg = self._client.invite(
            *(target_uri, from_uri, sdp, Hop(*destination), now),
            trusted=trusted,
            trunk=trunk,
            by_flow=by_flow,
        )
        return leg, self._core.take()

    @property
    def phones(self) -> Registering | None:
        """The desk phones and where they are; None: there is no registrar."""
        return self._phones

    def is_phone(self, hop: Hop) -> bool:
        """Whether a desk phone is registered from there."""
        return self._phones is not None and self._phones.registrar.uses(hop)

    def use_phones(self, accounts: Mapping[str, Account]) -> list[Command]:
        """Take these phones instead of those before, each by its extension; `PhoneGone` follows for
        contacts of those that are none any more, or have another secret."""
        if self._phones is not None:
            self._phones.use(accounts)
        return self._core.take()

    def restrict(self, may_follow: Callable[[str, str, str], bool]) -> None:
        """Ask this before a call goes on to where a 3xx leads: trunk, URI called, and target. Until
        then a 3xx is a refusal."""
        self._core.may_follow = may_follow

    def way(self, trunk: str) -> Hop | None:
        """Where a call over a trunk goes now: to its first peer that is well. None: nowhere."""
        return self._health.way(trunk)

    def watch(self, now: float) -> list[Command]:
        """Begin to ask the peers of trunks whether they are there; `PeerChanged` follows."""
        self._health.begin(now)
        self._set_health()
        return self._core.take()

    def reoffer(self, leg: str, sdp: bytes, now: float) -> list[Command]:
        """Offer another session within a call, or by UPDATE before its final answer, once one is
        agreed reliably; `OfferAnswered` or `OfferRefused` follows."""
        if (found := self._leg(leg)) is not None:
            self._offers.reoffer(found, sdp, now)
        return self._core.take()

    def withdraw(self, leg: str, now: float) -> list[Command]:
        """Do not make our offer again after a 491: the last 491 is the one that counts, and its
        `OfferRefused` follows, save where an offer of theirs is open, to which ours gives way."""
        if (found := self._leg(leg)) is not None:
            self._offers.withdraw(found, now)
        return self._core.take()

    def trust(self, leg: str) -> None:
        """Let the other side of a call received transfer it; see `TransferAsked`."""
        if (found := self._leg(leg)) is not None:
            found.trusted = True

    def transfer(self, leg: str, target_uri: str, now: float) -> list[Command]:
        """Ask a trusted side to call somebody else (REFER); `TransferProgress` follows. Raises
        `BadUri`."""
        if (found := self._leg(leg)) is not None:
            self._transfers.ask(found, target_uri, now)
        return self._core.take()

    def transferred(self, leg: str, status: int, now: float) -> list[Command]:
        """Say how far a transfer is that was asked of us (`TransferAsked`); 200 and above is the
        last word."""
        if (found := self._leg(leg)) is not None:
            self._transfers.told(found, status, now)
        return self._core.take()

    def drain(self, now: float) -> list[Command]:
        """From now on refuse new calls with 503; live ones finish."""
        del now
        self._core.draining = True
        return []

    def uses(self, hop: Hop) -> bool:
        """Whether a call goes over a connection, or a phone is reached by it, so that it is kept
        while nothing is said."""
        return self.is_phone(hop) or any(
            leg.peer == hop or (leg.dialog is not None and leg.dialog.peer == hop)
            for leg in self._core.legs.values()
        )

    def standing(self, hop: Hop, names: tuple[str, ...] = ()) -> Standing:
        """Who is at a hop; without trunks everybody is known."""
        return self._door.standing(hop, names) if self._door is not None else Standing.KNOWN

    def note(self, trouble: Trouble, now: float) -> list[Command]:
        """A line of the log from who has the sockets, within the same limit as our own."""
        self._core.now = now
        self._core.trouble(trouble.kind, trouble.detail, trouble.source)
        return self._core.take()

    def takes_large(self, has_tcp: Callable[[Hop], bool]) -> None:
        """Say which UDP peers have TCP at the same port: requests above 1,300 octets go to them by
        that (RFC 3261 18.1.1). Until then none has."""
        self._core.has_tcp = has_tcp

    def counts(self) -> dict[str, int]:
        """What is still alive; all zero when every call is over and every timer has run."""
        core = self._core
        return {
            "legs": len(core.legs),
            "dialogs": len(core.dialogs),
            "transactions": len(core.layer),
            "timers": len(core.timers),
        }

    def failed(self, error: Exception, fact: Command, now: float) -> list[Command]:
        """Say that the application failed over a fact: its call is ended, and nothing else."""
        self._core.now = now
        self._faults.in_fact(error, fact, now)
        return self._core.take()

    @property
    def faults(self) -> int:
        """How often a message, a timer or the application failed, by a fault of ours, since the
        start."""
        return self._faults.count

    def admitted(self) -> dict[str, int]:
        """Requests outside live calls by what became of them, since the start."""
        door = self._door
        return dict(door.admission.totals) if door is not None else {}

    def refused(self) -> dict[str, int]:
        """INVITEs that were let in and then refused before any leg heard of them, since the start,
        by status: 403 for strangers, 404 for numbers, 503 for want of room."""
        return {str(status): many for status, many in sorted(self._core.refused.items())}

    def trunks(self) -> list[dict[str, object]]:
        """Each trunk: its live calls, its peers and whether they are well."""
        door, calls = self._door, self._core.trunk_calls
        return [
            {
                "trunk": name,
                "calls_in": calls[name, "in"],
                "calls_out": calls[name, "out"],
                "peers": [
                    {"peer": str(hop), "well": well} for hop, well in self._health.peers(name)
                ],
            }
            for name in (door.trunks.by_name if door is not None else ())
        ]

    def is_down(self, trunk: str) -> bool:
        """Whether a trunk has peers, and none of them is well."""
        peers = self._health.peers(trunk)
        return bool(peers) and not any(well for _, well in peers)

    # Inside

    def _look(self, now: float) -> None:
        """Ask the peers that are due."""
        for command in self._health.wake(now):
            if isinstance(command, Ask):
                key = self._client.options(command.peer.hop, now)
                self._core.probes[key] = partial(self._probed, command.peer)
            else:
                self._changed(command)
        self._set_health()

    def _probed(self, peer: Peer, status: int) -> None:
        for changed in self._health.answered(peer, status):
            self._changed(changed)

    def _changed(self, changed: Changed) -> None:
        peer = changed.peer
        self._core.out.append(PeerChanged(peer.trunk, peer.hop, changed.well, changed.left))

    def _set_health(self) -> None:
        if (at := self._health.wake_at) is not None:
            self._core.timers.start(HEALTH, "ask", at)

    def _leg(self, leg: str) -> Leg | None:
        found = self._core.legs.get(leg)
        return None if found is None or found.ended else found

    def _finish_ack(self, leg: Leg, now: float) -> None:
        """A 200 to our own INVITE still waits for its ACK: send it before the BYE."""
        if leg.unacked[:1] == ("c",):
            self._client.answer_in_ack(leg, b"", now)

    def _malformed(self, error: MalformedMessage, source: Hop) -> None:
        if error.headers is not None:
            self._core.out.append(SendDatagram(write_refusal(error), source))
        elif source.reliable:
            self._core.out.append(CloseConnection(source))
        self._core.trouble("malformed message", error.why, source)

    def _rang_out(self, leg: Leg, now: float) -> None:
        if leg.state is LegState.CALLING:
            self._core.end(leg, "timeout", "no answer")
            self._client.give_up(leg, now)
        else:
            self._core.end(leg, "timeout", "not answered by us in time")
            self._server.refuse(leg, 480, now, None, ())

    def _offer_unanswered(self, leg: Leg, now: float) -> None:
        self._core.out += self.refuse(leg.id, 488, now)

    def _cancelled(self, leg: Leg, now: float) -> None:
        """No final answer to a cancelled INVITE within 64*T1 (RFC 3261 9.1)."""
        del now
        invite = self._core.layer.clients.get(leg.invite)
        if invite is not None:
            self._core.layer.drop(invite)
        self._core.forget(leg)


__all__ = ["IllegalTransition", "UserAgent"]
