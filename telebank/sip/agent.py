"""`UserAgent`: a SIP user agent over UDP without I/O or clock, server and client in one."""

from collections.abc import Callable
from ipaddress import ip_address
from math import inf

from telebank.sip.core import Core
from telebank.sip.events import Command, DatagramReceived, SendDatagram
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import (
    HeaderLines,
    MalformedMessage,
    Request,
    parse,
    write_refusal,
)
from telebank.sip.options import SipOptions
from telebank.sip.transaction import IllegalTransition
from telebank.sip.uac import ClientSide
from telebank.sip.uas import ServerSide
from telebank.sip.uri import Address


class UserAgent:
    """One socket's user agent. Every act returns what to do, in order.

    `local` is the address written into Via and Contact; `token` gives identifiers that nobody
    can guess (16 hex digits or more). Acts on a leg that is already gone, and answers to an offer
    that was cancelled meanwhile, do nothing. An act that the leg's state does not allow raises
    `IllegalTransition`.
    """

    def __init__(self, local: Address, options: SipOptions, token: Callable[[], str]) -> None:
        try:
            ip_address(local[0])
        except ValueError as error:
            raise ValueError(f"advertise an IP address, not '{local[0]}'") from error
        self._core = Core(local, options, token)
        self._server = ServerSide(self._core)
        self._client = ClientSide(self._core)
        self._leg_timers: dict[str, Callable[[Leg, float], None]] = {
            "ok": self._server.repeat_ok,
            "ack": self._server.no_ack,
            "ring": self._rang_out,
            "offer": self._offer_unanswered,
            "glare": self._client.ask_again,
            "cancel": self._cancelled,
        }

    # The machine

    @property
    def wake_at(self) -> float | None:
        """When `wake` has something to do, None for never."""
        at = self._core.timers.next()
        return None if at == inf else at

    def receive(self, event: DatagramReceived, now: float) -> list[Command]:
        """Take one datagram; never raises for what is in it."""
        data = event.data
        self._core.now = now
        if not data.strip(b"\r\n\x00"):
            return []  # keep-alive (RFC 5626 3.5.1, and what others send for it)
        try:
            message = parse(data)
        except MalformedMessage as error:
            self._malformed(error, event.source)
            return self._core.take()
        if isinstance(message, Request):
            self._server.request(message, event.source, now)
        else:
            self._client.response(message, event.source, now)
        return self._core.take()

    def wake(self, now: float) -> list[Command]:
        """Do what is due by `now`."""
        core = self._core
        while (timer := core.timers.pop(now)) is not None:
            owner, name = timer
            if isinstance(owner, str):
                self._leg_timers[name](core.legs[owner], now)
                continue
            assert isinstance(owner, tuple)
            silent = core.layer.fire(owner, name, now)
            if silent is not None:
                self._client.expired(silent, now)
        return core.take()

    # Acts of the application

    def ring(self, leg: str, now: float) -> list[Command]:
        """180 to a call offered."""
        if (found := self._leg(leg)) is not None:
            self._server.ring(found, now)
        return self._core.take()

    def answer(self, leg: str, sdp: bytes, now: float) -> list[Command]:
        """Accept a call offered, or an offer received within a call."""
        found = self._leg(leg)
        if found is None:
            return []
        if found.state is LegState.OFFERED:
            self._server.accept(found, sdp, now)
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
        """Refuse a call offered (then `CallEnded` follows at once) or an offer within a call."""
        if not 300 <= status <= 699:  # noqa: PLR2004
            raise ValueError(f"{status} is no refusal: use 300 to 699")
        if (found := self._leg(leg)) is not None:
            self._server.refuse(found, status, now, reason, headers)
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
        destination: Address,
    ) -> tuple[str, list[Command]]:
        """Place a call. With `sdp` None the other side offers: `OfferReceived`, then `answer`."""
        leg = self._client.invite(target_uri, from_uri, sdp, destination, now)
        return leg, self._core.take()

    def reoffer(self, leg: str, sdp: bytes, now: float) -> list[Command]:
        """Offer another session within a call; `OfferAnswered` or `OfferRefused` follows."""
        if (found := self._leg(leg)) is not None:
            self._client.reoffer(found, sdp, now)
        return self._core.take()

    def drain(self, now: float) -> list[Command]:
        """From now on refuse new calls with 503; live ones finish."""
        del now
        self._core.draining = True
        return []

    def counts(self) -> dict[str, int]:
        """What is still alive; all zero when every call is over and every timer has run."""
        core = self._core
        return {
            "legs": len(core.legs),
            "dialogs": len(core.dialogs),
            "transactions": len(core.layer),
            "timers": len(core.timers),
        }

    # Inside

    def _leg(self, leg: str) -> Leg | None:
        found = self._core.legs.get(leg)
        return None if found is None or found.ended else found

    def _finish_ack(self, leg: Leg, now: float) -> None:
        """A 200 to our own INVITE still waits for its ACK: send it before the BYE."""
        if leg.unacked[:1] == ("c",):
            self._client.answer_in_ack(leg, b"", now)

    def _malformed(self, error: MalformedMessage, source: Address) -> None:
        if error.headers is not None:
            self._core.out.append(SendDatagram(write_refusal(error), source))
        self._core.trouble("malformed message", error.why, source)

    def _rang_out(self, leg: Leg, now: float) -> None:
        if leg.state is LegState.CALLING:
            self._core.end(leg, "timeout", "no answer")
            self._client.give_up(leg, now)
        else:
            self._core.end(leg, "timeout", "not answered by us in time")
            self._server.refuse(leg, 480, now, None, ())

    def _offer_unanswered(self, leg: Leg, now: float) -> None:
        self._server.refuse(leg, 488, now, None, ())

    def _cancelled(self, leg: Leg, now: float) -> None:
        """No final answer to a cancelled INVITE within 64*T1 (RFC 3261 9.1)."""
        del now
        invite = self._core.layer.clients.get(leg.invite)
        if invite is not None:
            self._core.layer.drop(invite)
        self._core.forget(leg)


__all__ = ["IllegalTransition", "UserAgent"]
