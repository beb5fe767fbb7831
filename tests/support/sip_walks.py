"""Random lives of one call: what the peer says, what we do and how time goes, from a seed.

Walk(7).run() == ""                             # or what went wrong
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import TypeVar

from support.sip_doors import TRUNK, doors
from support.sip_line import SDP
from telebank.sip import (
    CallEnded,
    CallOffered,
    CallRefused,
    Command,
    DatagramReceived,
    IllegalTransition,
    SipOptions,
    Trouble,
)
from telebank.sip.faults import FAULT

T = TypeVar("T")

STEPS = 14
WAITS = (0.0, 0.1, 1.0, 20.0, 50.0)
METHODS = (
    "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "REFER", "NOTIFY",
    "SUBSCRIBE", "MESSAGE", "PUBLISH", "REGISTER",
)  # fmt: skip
STATUSES = (100, 180, 183, 183, 200, 200, 200, 202, 302, 401, 408, 422, 481, 491, 500, 503)
EXTRAS = (
    "", "", "Contact: <sip:a@192.0.2.20>", "Contact: *", "Session-Expires: 90", "Min-SE: 0",
    "Session-Expires: 90;refresher=uac", "Session-Expires: 90;refresher=uas", "Session-Expires: x",
    "Min-SE: 2000", "Supported: timer,100rel", "Require: 100rel", "Require: 100rel\r\nRSeq: 1",
    "Require: 100rel\r\nRSeq: 2", "RAck: 1 1 INVITE", "Refer-To: <sip:1@2>", "Allow: UPDATE",
    "Event: refer\r\nSubscription-State: active", "Subscription-State: terminated",
    "Content-Type: application/dtmf", "Record-Route: <sip:192.0.2.20;lr>", "Privacy: id",
    "P-Asserted-Identity: <tel:+1>", "Diversion: <sip:1@2>;counter=99", "Accept: text/plain",
    "History-Info: <sip:1@2?Reason=SIP%3Bcause%3D302>;index=1", "Route: <sip:1@2>", "Expires: 9",
    'Authorization: Digest username="u"', "Retry-After: 5",
)  # fmt: skip
CALLERS = (
    "", "Supported: 100rel,timer", "Require: 100rel",
    "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\nAllow: UPDATE",
    "Supported: timer\r\nSession-Expires: 90;refresher=uas",
)  # fmt: skip
"""What a caller says he can."""
BODIES = ("", SDP, SDP, "Signal=1", "v=0\r\n")


class Walk:
    """One call over a trusted trunk, in or out."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._agent = doors(SipOptions(ring_timeout=60.0))
        self._now, self._cseq, self._branch = 0.0, 1, 0
        self._ends: Counter[str] = Counter()
        self._faults: list[str] = []
        self._call_id, self._tag = "walk@peer", ""
        if self._random.random() < 0.5:
            offered = self._hears(self._request("INVITE", [self._one(CALLERS)], SDP))
            (self._leg,) = (one.leg for one in offered if isinstance(one, CallOffered))
        else:
            target, sdp = "sip:bob@192.0.2.20:5062", self._one((SDP.encode(), SDP.encode(), None))
            self._leg, commands = self._agent.invite(
                target, "sip:bank@192.0.2.10", sdp, 0.0, destination=TRUNK, trunk="here"
            )
            self._took(commands)
            (invite,) = self._agent._core.layer.clients.values()
            self._call_id = invite.sent.call_id
        self._tag = self._agent._core.legs[self._leg].local_tag

    def run(self) -> str:
        """What is wrong; empty: nothing."""
        for _ in range(STEPS):
            self._now += self._one(WAITS)
            self._one((self._acts, self._wakes, self._answers, self._answers, self._asks))()
        self._took(self._agent.hang_up(self._leg, self._now))
        for _ in range(60):
            self._now += 10.0
            self._wakes()
        left = {name: many for name, many in self._agent.counts().items() if many}
        if self._faults:
            return "; ".join(self._faults)
        if left or self._ends[self._leg] != 1:
            return f"left {left}, the end told {self._ends[self._leg]} times"
        return ""

    def _acts(self) -> None:
        """Of ours; what the leg's state does not allow is refused, and nothing else happens."""
        agent, leg, now, sdp = self._agent, self._leg, self._now, SDP.encode()
        acts: tuple[Callable[[], list[Command]], ...] = (
            lambda: agent.ring(leg, now),
            lambda: agent.progress(leg, 183, sdp, now),
            lambda: agent.answer(leg, sdp, now),
            lambda: agent.answer(leg, sdp, now),
            lambda: agent.answer(leg, sdp, now),
            lambda: agent.refuse(leg, 488, now),
            lambda: agent.hang_up(leg, now),
            lambda: agent.reoffer(leg, sdp, now),
            lambda: agent.reoffer(leg, sdp, now),
            lambda: agent.withdraw(leg, now),
            lambda: agent.transfer(leg, "sip:1@2", now),
            lambda: agent.transferred(leg, 200, now),
        )
        with suppress(IllegalTransition):
            self._took(self._one(acts)())

    def _wakes(self) -> None:
        while (at := self._agent.wake_at) is not None and at <= self._now:
            self._took(self._agent.wake(at))

    def _answers(self) -> None:
        """The peer, to a request of ours that is open."""
        open_ = list(self._agent._core.layer.clients.values())
        if not open_:
            return
        sent, status = self._one(open_).sent, self._one(STATUSES)
        called = sent.to if "tag=" in sent.to else f"{sent.to};tag={self._one(('p', 'q'))}"
        self._hears(
            f"SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch={sent.branch}\r\n"
            f"From: {sent.from_}\r\nTo: {called}\r\nCall-ID: {sent.call_id}\r\n"
            f"CSeq: {sent.cseq} {sent.method}\r\n{self._rest(self._extras(), self._one(BODIES))}"
        )

    def _asks(self) -> None:
        """The peer, within the call."""
        self._cseq += self._one((0, 1, 1, 1))
        self._hears(self._request(self._one(METHODS), self._extras(), self._one(BODIES)))

    def _request(self, method: str, extras: list[str], body: str) -> str:
        self._branch += 1
        of_invite = method in {"ACK", "CANCEL"} and self._one((True, False))
        branch, cseq = (1, 1) if of_invite else (self._branch, self._cseq)
        tag = f";tag={self._tag}" if self._tag else ""
        return (
            f"{method} sip:95500@192.0.2.10 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 192.0.2.20:5062;branch=z9hG4bKw{branch}\r\n"
            f"From: <sip:alice@peer>;tag=p\r\nTo: <sip:95500@bank>{tag}\r\n"
            f"Call-ID: {self._call_id}\r\nCSeq: {cseq} {method}\r\n{self._rest(extras, body)}"
        )

    @staticmethod
    def _rest(extras: list[str], body: str) -> str:
        lines = [line for line in extras if line]
        if not any("Contact" in line for line in lines):
            lines.append("Contact: <sip:alice@192.0.2.20:5062>")
        if body and not any("Content-Type" in line for line in lines):
            kind = "sdp" if body.startswith("v=") else "dtmf-relay"
            lines.append(f"Content-Type: application/{kind}")
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])

    def _extras(self) -> list[str]:
        return self._random.sample(EXTRAS, self._random.randint(0, 3))

    def _hears(self, text: str) -> list[Command]:
        event = DatagramReceived(text.encode(), TRUNK)
        return self._took(self._agent.receive(event, self._now))

    def _took(self, commands: list[Command]) -> list[Command]:
        for command in commands:
            if isinstance(command, CallEnded | CallRefused):
                self._ends[command.leg] += 1
            elif isinstance(command, Trouble) and command.kind == FAULT:
                self._faults.append(command.detail)
        return commands

    def _one(self, things: Sequence[T]) -> T:
        return self._random.choice(things)
