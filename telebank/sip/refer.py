"""Transfers: REFER within a call, theirs and ours, and its NOTIFYs (RFC 3515, RFC 4488).

Only a trusted side may ask us to call somebody: a stranger's REFER would spend our money.
"""

import re

from telebank.sip.core import Core
from telebank.sip.events import TransferAsked, TransferProgress
from telebank.sip.headers import BadHeader, first_name_addr, parse_name_addr, split_list
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import Request, Response
from telebank.sip.statuses import REASONS
from telebank.sip.transaction import IllegalTransition, ServerTransaction
from telebank.sip.uri import BadUri, SipUri, scheme_of

SIPFRAG = "message/sipfrag"
_STATUS = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9]{2})\b")
ACCEPTED, TIMED_OUT = 202, 408
FINAL = 200
TERMINATED = "terminated;reason=noresource"


class Transfers:
    """Of all legs of one user agent; one each way at a time."""

    def __init__(self, core: Core) -> None:
        self.core = core

    # Theirs

    def asked(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        """A REFER within a call (RFC 3515 2.4.2)."""
        core, request = self.core, transaction.request
        status, target = self._target(leg, request)
        if status != ACCEPTED:
            again = [("Retry-After", "5")] if status == 500 else []  # noqa: PLR2004
            core.answer(transaction, status, now, headers=again)
            return
        silent = request.first("refer-sub").strip().lower() == "false"
        headers = core.dialog_headers(request)
        if silent:
            headers.append(("Refer-Sub", "false"))
        core.answer(transaction, ACCEPTED, now, headers=headers)
        if not silent:
            leg.referred = request.cseq
            core.timers.start(leg.id, "notify", now + core.options.refer_timeout)
            seconds = round(core.options.refer_timeout)
            self._notify(leg, 100, f"active;expires={seconds}", now)
        core.out.append(TransferAsked(leg.id, target, reports=not silent))

    def _target(self, leg: Leg, request: Request) -> tuple[int, str]:
        """How to answer a REFER, and the URI it names."""
        if not leg.trusted:
            return 603, ""
        if leg.state is not LegState.LIVE or leg.referred >= 0:
            return 500, ""
        values = split_list(request.headers.get("refer-to", []))
        try:
            (value,) = values
            uri = parse_name_addr(value, "Refer-To").uri
            scheme = scheme_of(uri)
            plain = scheme == "tel" or (scheme in ("sip", "sips") and not SipUri.parse(uri).headers)
        except (ValueError, BadHeader, BadUri):
            return 400, ""
        # No other method than INVITE, and no call in place of another (RFC 3891): no URI headers.
        method = re.search(r";method=([^;?]+)", uri, re.IGNORECASE)
        called = method is None or method[1].upper() == "INVITE"
        return (ACCEPTED, uri) if plain and called else (603, "")

    def told(self, leg: Leg, status: int, now: float) -> None:
        """The application says how far its call to the target is; nothing where nobody waits."""
        if not 100 <= status <= 699:  # noqa: PLR2004
            raise ValueError(f"{status} is no SIP status")
        if leg.referred < 0 or leg.state is not LegState.LIVE:
            return
        over = status >= FINAL
        seconds = round(self.core.options.refer_timeout)
        self._notify(leg, status, TERMINATED if over else f"active;expires={seconds}", now)
        if over:
            leg.referred = -1
            self.core.timers.stop(leg.id, ("notify",))

    def untold(self, leg: Leg, now: float) -> None:
        """The application said nothing in time."""
        if leg.state is LegState.LIVE:
            self._notify(leg, TIMED_OUT, "terminated;reason=timeout", now)
        leg.referred = -1

    def _notify(self, leg: Leg, status: int, state: str, now: float) -> None:
        fragment = f"SIP/2.0 {status} {REASONS.get(status, 'Other')}\r\n".encode()
        headers = [
            ("Event", f"refer;id={leg.referred}"),
            ("Subscription-State", state),
            ("Content-Type", f"{SIPFRAG};version=2.0"),
        ]
        self.core.request(leg, "NOTIFY", now, fragment, headers)

    # Ours

    def ask(self, leg: Leg, target: str, now: float) -> None:
        """REFER the other side to `target`. Raises `BadUri`; `IllegalTransition` where the leg is
        not trusted, not answered, or a transfer of it is on its way."""
        if scheme_of(target) != "tel":
            SipUri.parse(target)
        if not leg.trusted or leg.state is not LegState.LIVE or leg.referring:
            raise IllegalTransition("no REFER: the leg is not trusted, not live, or has one out")
        assert leg.dialog is not None
        leg.referring = True
        own = first_name_addr(leg.dialog.local, "From")[0].uri
        headers = [("Refer-To", f"<{target}>"), ("Referred-By", f"<{own}>")]
        self.core.request(leg, "REFER", now, headers=headers)
        self.core.timers.start(leg.id, "refer", now + self.core.options.refer_timeout)

    def answered(self, leg: Leg, status: int, response: Response | None) -> None:
        """The final answer to our REFER; `response` is None where none came."""
        if not leg.referring:
            return  # a NOTIFY was faster and final
        silent = response is not None and response.first("refer-sub").strip().lower() == "false"
        if silent or status >= 300:  # noqa: PLR2004
            self._progress(leg, status, over=True)

    def notified(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        """A NOTIFY within a call: of our REFER, or 481 (RFC 6665 4.1.3)."""
        core, request = self.core, transaction.request
        package = request.first("event").partition(";")[0].strip().lower()
        if package != "refer" or not leg.referring:
            core.answer(transaction, 481 if package == "refer" else 489, now)
            return
        if request.body and request.content_type != SIPFRAG:
            core.answer(transaction, 415, now, headers=[("Accept", SIPFRAG)])
            return
        found = _STATUS.match(request.body)
        state = request.first("subscription-state").partition(";")[0].strip().lower()
        if not state or (found is None and state != "terminated"):
            core.answer(transaction, 400, now)
            return
        core.answer(transaction, 200, now)
        status = int(found[1]) if found else TIMED_OUT
        self._progress(leg, status, over=state == "terminated" or status >= FINAL)

    def silent(self, leg: Leg, now: float) -> None:
        """Nobody said how our transfer ended."""
        del now
        self._progress(leg, TIMED_OUT, over=True)

    def _progress(self, leg: Leg, status: int, *, over: bool) -> None:
        if over:
            leg.referring = False
            self.core.timers.stop(leg.id, ("refer",))
        self.core.out.append(TransferProgress(leg.id, status, over))
