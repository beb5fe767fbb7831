"""Session timers (RFC 4028): how long a session lasts unless it is refreshed, and by whom.

A refresh is an UPDATE without a session where the other side takes it, else a re-INVITE with our
description as it was sent last, under the same version of o= (section 7.4).
"""

import re
from typing import Literal, NamedTuple

from telebank.sip.core import Core
from telebank.sip.events import SessionMoved
from telebank.sip.headers import BadHeader, param, parse_params, split_list
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import Request, Response
from telebank.sip.screening import Rejection
from telebank.sip.session_description import MalformedDescription, SessionDescription
from telebank.sip.statuses import DEAD_DIALOG, GLARE, TOO_SMALL

MIN_SE = 90
"""Seconds where no Min-SE says otherwise (section 5)."""
LONGEST = 86_400
"""Seconds; no interval that the other side names counts as longer, so that a session cannot be left
unrefreshed for ever."""
MAX_SE = 2**31 - 1
BYE_AHEAD_S = 32
"""Most seconds before the session's end at which who has heard no refresh says BYE (section 10)."""
BUSY_S = 2.0
"""Seconds before a refresh is tried again that had to wait for something else."""
TRIES = 4
"""422s taken in a row; each must name a longer interval."""
NO_UPDATE = (405, 501)
_SECONDS = re.compile(r"([0-9]{1,10})")

Refresher = Literal["uac", "uas", ""]
Lines = list[tuple[str, str]]


class Interval(NamedTuple):
    """A Session-Expires value."""

    seconds: int
    refresher: Refresher
    """As the request's sides are: who sent it is uac."""


def session_expires(message: Request | Response) -> Interval | None:
    """The Session-Expires of a message, None where it has none. Raises `BadHeader`."""
    text = message.first("session-expires")
    if not text:
        return None
    seconds, params = _delta(text, "Session-Expires")
    who = (param(params, "refresher") or "").lower()
    if who not in ("uac", "uas", ""):
        raise BadHeader("Session-Expires: nobody's refresher")
    return Interval(seconds, who)  # type: ignore[arg-type]


def min_se(message: Request | Response) -> int:
    """The Min-SE of a message in seconds, 90 where it has none. Raises `BadHeader`."""
    text = message.first("min-se")
    return _delta(text, "Min-SE")[0] if text else MIN_SE


def _delta(text: str, name: str) -> tuple[int, tuple[tuple[str, str | None], ...]]:
    found = _SECONDS.match(text)
    if found is None or not 0 < int(found[1]) <= MAX_SE:
        raise BadHeader(f"{name}: not a number of seconds")
    params, _ = parse_params(text, found.end(), name)
    return int(found[1]), params


def supports(message: Request | Response, tag: str) -> bool:
    """Whether a message names an option tag as supported, or requires it."""
    return _names(message, "supported", tag) or requires(message, tag)


def requires(message: Request | Response, tag: str) -> bool:
    """Whether a message requires an option tag."""
    return _names(message, "require", tag)


def _names(message: Request | Response, header: str, tag: str) -> bool:
    lines = message.headers.get(header)
    return bool(lines) and tag in (item.lower() for item in split_list(lines or []))


class SessionTimers:
    """Of all legs of one user agent."""

    def __init__(self, core: Core) -> None:
        self.core = core

    # Their requests

    def refuse(self, request: Request) -> Rejection | None:
        """422 for a session that would be too short (section 9), 400 for what nobody can read. A
        caller without session timers cannot act on a 422: a proxy put the value in."""
        shortest = self.core.options.min_se
        try:
            asked = session_expires(request)
            min_se(request)
        except BadHeader:
            return Rejection(400)
        if not self.core.options.session_expires or asked is None:
            return None
        if asked.seconds < shortest and supports(request, "timer"):
            return Rejection(TOO_SMALL, [("Min-SE", str(shortest))])
        return None

    def accept(self, leg: Leg, request: Request, now: float) -> Lines:
        """A 2xx to an INVITE or UPDATE begins the interval anew; its header lines (table 2)."""
        options, timer = self.core.options, leg.timer
        asked, able = session_expires(request), supports(request, "timer")
        if not options.session_expires or not (able or (asked and asked.seconds >= MIN_SE)):
            self._off(leg)
            return []
        before = timer.interval > 0
        wanted = max(options.session_expires, min(min_se(request), LONGEST))
        timer.interval = wanted if asked is None else min(asked.seconds, wanted)
        who: Refresher = asked.refresher if asked is not None and able else ""
        if not able:
            who = "uas"
        elif not who:
            who = "uas" if before and timer.ours else "uac"
        timer.ours = who == "uas"
        self._begin(leg, now)
        required = [("Require", "timer")] if able else []
        return [("Session-Expires", f"{timer.interval};refresher={who}"), *required]

    # Our requests

    def ask(self, leg: Leg) -> Lines:
        """Header lines of an INVITE or UPDATE of ours (sections 7.1, 7.4)."""
        options, timer = self.core.options, leg.timer
        if not options.session_expires:
            return []
        shortest = max(options.min_se, timer.min_se)
        value = str(max(timer.interval or options.session_expires, shortest))
        if timer.interval:
            value += f";refresher={'uac' if timer.ours else 'uas'}"
        lines = [("Session-Expires", value)]
        return [*lines, ("Min-SE", str(shortest))] if shortest > MIN_SE else lines

    def ask_within(self, leg: Leg) -> Lines:
        """The same of one within the call. 100rel is not supported there: nothing that we ask
        within a call rings."""
        lines = self.ask(leg)
        return [("Supported", "timer"), *lines] if lines else []

    def accepted(self, leg: Leg, response: Response, now: float) -> None:
        """A 2xx to it came; one without Session-Expires ends the timer (section 7.2)."""
        leg.timer.tries = 0
        try:
            agreed = session_expires(response)
        except BadHeader:
            agreed = None
        if agreed is None or not self.core.options.session_expires:
            self._off(leg)
            return
        # Section 4: none is below 90, whoever says so; the refreshes would be a flood.
        leg.timer.interval = min(max(agreed.seconds, MIN_SE), LONGEST)
        leg.timer.ours = agreed.refresher != "uas"
        self._begin(leg, now)

    def longer(self, leg: Leg, response: Response) -> bool:
        """A 422 to it came; whether it is worth asking again (section 7.3)."""
        timer = leg.timer
        try:
            shortest = min_se(response)
        except BadHeader:
            return False
        timer.tries += 1
        asked = max(timer.interval or self.core.options.session_expires, timer.min_se)
        if timer.tries > TRIES or not asked < shortest <= LONGEST:
            return False
        timer.min_se = shortest
        return True

    # Time

    def _begin(self, leg: Leg, now: float) -> None:
        timers, seconds = self.core.timers, leg.timer.interval
        timers.stop(leg.id, ("refresh",))
        timers.start(leg.id, "expire", now + seconds - min(BYE_AHEAD_S, seconds / 3))
        if leg.timer.ours:
            timers.start(leg.id, "refresh", now + seconds / 2)

    def _off(self, leg: Leg) -> None:
        leg.timer.interval, leg.timer.ours = 0, False
        self.core.timers.stop(leg.id, ("refresh", "expire"))

    def expired(self, leg: Leg, now: float) -> None:
        """Nobody refreshed the session (section 10)."""
        self.core.end(leg, "timeout", "the session was not refreshed")
        self.core.bye(leg, now)

    def refresh(self, leg: Leg, now: float) -> None:
        """Refresh, or see again later: what else is open may be a refresh itself."""
        core = self.core
        busy = leg.asked or leg.asking or leg.timer.refreshing or leg.reoffer or leg.exchange.open
        if leg.state is not LegState.LIVE or busy or leg.ok_cseq >= 0:
            core.timers.start(leg.id, "refresh", now + BUSY_S)
            return
        lines = self.ask_within(leg)
        if leg.updates:
            leg.timer.refreshing = core.request(leg, "UPDATE", now, headers=lines).key
            return
        sdp = leg.exchange.ours
        leg.exchange.offer(sdp)
        leg.asking = core.request(leg, "INVITE", now, sdp, lines).key
        leg.timer.refreshing = leg.asking

    def refreshed(self, leg: Leg, response: Response, now: float) -> None:
        """A 2xx to a refresh of ours; it has been acknowledged."""
        leg.timer.refreshing = ()
        assert leg.dialog is not None
        leg.dialog.refresh(response)
        self.accepted(leg, response, now)

    def answered(self, leg: Leg, response: Response) -> None:
        """The session in the answer to a re-INVITE that refreshed: mostly the one that was."""
        exchange = leg.exchange
        try:
            answer = SessionDescription.parse(response.body)
        except MalformedDescription:
            exchange.failed()
            return
        offer = SessionDescription.parse(exchange.ours)
        if exchange.answered(answer):
            self.core.out.append(SessionMoved(leg.id, offer, answer))

    def failed(self, leg: Leg, status: int, response: Response | None, now: float) -> None:
        """A refresh of ours was refused, or nobody answered it (408): section 7.3, section 10. The
        session goes on until its end, and a refresh is tried again."""
        core = self.core
        if leg.asking == leg.timer.refreshing:
            leg.asking = ()
            leg.exchange.failed()
        leg.timer.refreshing = ()
        if status in DEAD_DIALOG:
            core.end(leg, "timeout", f"{status} to the refresh of the session")
            core.bye(leg, now)
            return
        wait = leg.timer.interval / 10
        if status in NO_UPDATE and leg.updates:
            leg.updates, wait = False, 0.0
        elif status == TOO_SMALL and response is not None and self.longer(leg, response):
            wait = 0.0
        elif status == GLARE:
            own = leg.invite[:1] == ("c",)
            wait = core.chance(2.1, 4.0) if own else core.chance(0.0, 2.0)
        elif response is not None:
            wait = max(_retry_after(response), wait)
        core.timers.start(leg.id, "refresh", now + wait)


def _retry_after(response: Response) -> float:
    found = _SECONDS.match(response.first("retry-after"))
    return float(found[1]) if found else 0.0
