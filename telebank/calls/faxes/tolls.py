"""May this number be dialled? No number may unless a rule says so: calls cost the bank money, and
who can make it call where he likes earns by it.

How many calls have been placed is counted in the store (`telebank.store.fax_tolls`), for all nodes.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo

from telebank.calls.faxes.numbers import MIN_DIGITS, Number, bare, read
from telebank.calls.faxes.options import (
    DEFAULT_SIP,
    FaxOptions,
    OutboundOptions,
    Route,
    address_in,
)
from telebank.calls.faxes.patterns import any_fits
from telebank.calls.masking import mask_caller
from telebank.sip import T38Way
from telebank.sip.uri import Address, BadUri, Hop, SipUri
from telebank.store.fax_tolls import FREE, Limits, Toll

MAX_MASKED = 64
MAX_TEXT = 128
SIP = ("sip:", "sips:")
_USER = re.compile(r"[A-Za-z0-9._+\-]{1,32}")
_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """It may not be: the rule's name for programs, and what to do in words for staff."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes."""

    number: str
    """Digits, or the SIP address: what is sealed, counted and matched by rules."""
    uri: str
    """Request URI of the INVITE."""
    destination: Hop
    masked: str
    trunk: str = ""
    """The trunk it goes over; empty: the gateway, or the host of a SIP address."""
    toll: Toll = FREE
    """What it costs."""
    caller: str = ""
    """The number that we show; empty: that of the settings."""
    t38: T38Way = "auto"
    """What the trunk lets faxes do."""

    def by(self, hop: Hop) -> str:
        """The Request-URI by another peer of the trunk."""
        return _uri(self.number, hop)

    @property
    def way(self) -> str:
        """Of the fax: `number` or `uri`."""
        return "uri" if self.number.startswith(SIP) else "number"


def judge(options: OutboundOptions, text: str, *, staff: bool) -> Target | Refusal:
    """Where a call to `text` goes, or which rule forbids it. `staff`: a person at a desk asks, and
    not a caller."""
    if len(text) > MAX_TEXT:
        return Refusal("too_long", f"a destination has at most {MAX_TEXT} characters")
    if text.lower().startswith(SIP):
        return _address(options, text, staff=staff)
    number = _allowed(options, text)
    if isinstance(number, Refusal):
        return number
    route = next((route for route in options.routes if route.has(number.form)), None)
    if route is not None:
        return _over(route, number)
    if options.trunk is None:
        return Refusal("no_gateway", f"{_why_no_trunk(options, number)}, nor is there a gateway")
    hop, dialled = Hop(*options.trunk), number.dialled
    return Target(dialled, _uri(dialled, hop), hop, mask_caller(dialled))


def normalised(text: str) -> str | None:
    """A number without what people write between its digits; None where it is none. What it means
    is the settings' to say (`judge`)."""
    return bare(text)


def limits(options: OutboundOptions, now: datetime, zone: tzinfo, call_s: int) -> Limits:
    """What calls may cost on the day that it is on the bank's wall clock."""
    return Limits(
        options.calls_hourly,
        options.per_number_daily,
        options.seconds_daily,
        call_s,
        midnight(now, zone),
        options.customer_daily,
    )


def midnight(now: datetime, zone: tzinfo) -> datetime:
    """When the day began that it is on the bank's wall clock; in UTC."""
    return datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)


def _why_no_trunk(options: OutboundOptions, number: Number) -> str:
    """Why no trunk carries a number."""
    denied = next((one for one in options.routes if any_fits(one.allowed, number.form)), None)
    if denied is None:
        return "no trunk has this number in its allow"
    return f"[trunks.{denied.trunk}] has this number in its allow, but its deny takes it away"


def _over(route: Route, number: Number) -> Target | Refusal:
    """Where a call over a trunk goes, and what it costs."""
    price = route.price(number.form)
    if price is None and route.spend_daily is not None:
        return Refusal("no_price", f"[trunks.{route.trunk}] tariff has no price for this number")
    toll = Toll(route.trunk, price or 0, route.spend_daily)
    dialled = number.dialled
    uri, masked = _uri(dialled, route.destination), mask_caller(dialled)
    return Target(
        *(dialled, uri, route.destination, masked, route.trunk, toll, route.caller, route.t38)
    )


def _uri(number: str, hop: Hop) -> str:
    host = f"[{hop.host}]" if ":" in hop.host else hop.host
    over = "" if hop.transport == "udp" else f";transport={hop.transport}"
    return f"sip:{number}@{host}:{hop.port}{over}"


class Arrivals:
    """Who may bring faxes: anybody can call, and what he sends takes channels and disk. Calls that
    are let in are counted by the day: from what the store has of it, so that no restart forgets.
    """

    def __init__(self, options: FaxOptions) -> None:
        self._options = options
        self._up = 0
        self.day = date.min
        """Of the bank, that is counted."""
        self._of: Counter[str] = Counter()
        """Calls of the day by token of the number: at most `incoming_daily` of them."""

    def count(self, day: date, came: Mapping[str, int]) -> None:
        """Another day is counted, on which so many came already, by token of the number."""
        if day != self.day:
            self.day, self._of = day, Counter(came)

    def begin(self, number: str, free: int) -> Refusal | None:
        """A call comes from the number with this token, with so many bytes free on the disk; None:
        it is let in, and `end` follows."""
        options = self._options
        if self._up >= options.incoming_at_once:
            return Refusal("incoming", "[fax] incoming faxes come already")
        if free < options.free_mb * 1_000_000:
            return Refusal("free_mb", "less than [fax] free_mb is free on the disk")
        if self._of.total() >= options.incoming_daily:
            return Refusal("incoming_daily", "[fax] incoming_daily is reached")
        if self._of[number] >= options.incoming_per_number_daily:
            return Refusal("incoming_per_number_daily", "[fax] incoming_per_number_daily: reached")
        self._up += 1
        self._of[number] += 1
        return None

    def end(self) -> None:
        """A call that was let in is over."""
        self._up -= 1


def _allowed(options: OutboundOptions, text: str) -> Number | Refusal:
    """A number that may be called, or the rule that forbids it."""
    number = read(options.plan, text)
    if isinstance(number, str):
        return Refusal("no_number", number)
    return _forbidden(options, number.form) or number


def _forbidden(options: OutboundOptions, form: str) -> Refusal | None:
    """The rule that forbids a number of this form."""
    if any_fits(options.denied, form):
        return Refusal("denied", "[outbound] deny has this number")
    if not options.allow:
        return Refusal(
            "not_allowed", '[outbound] allow is empty: nothing is called. "010*" would let 010… be'
        )
    if not any_fits(options.allowed, form):
        return Refusal("not_allowed", "[outbound] allow does not have this number")
    return None


def _address(options: OutboundOptions, text: str, *, staff: bool) -> Target | Refusal:
    if not staff:
        return Refusal("staff_only", "only staff may give a SIP address")
    try:
        parsed = SipUri.parse(text)
        destination = address_in("the host", f"{parsed.host}:{parsed.port or DEFAULT_SIP}")
    except (BadUri, ValueError) as error:
        return Refusal("no_address", f"no SIP address: {error}")
    plain = parsed.scheme == "sip" and not parsed.params and not parsed.headers
    if not plain or _USER.fullmatch(parsed.user) is None:
        return Refusal("no_address", "no SIP address: give sip:USER@ADDRESS:PORT and nothing more")
    user = _user(options, parsed.user)
    if isinstance(user, Refusal):
        return user
    if (refusal := _forbidden_host(options, destination)) is not None:
        return refusal
    host, port = destination
    shown = f"{f'[{host}]' if ':' in host else host}:{port}"
    uri, masked = f"sip:{user}@{shown}", f"sip:{mask_caller(f'sip:{user}@x')}@{shown}"
    return Target(uri, uri, Hop(*destination), masked[:MAX_MASKED])


def _user(options: OutboundOptions, user: str) -> str | Refusal:
    """One spelling of a user part, or the rule that forbids a number in it: a host that passes
    calls on is no way around the rules for numbers. Without a letter it is a number, unless it is
    shorter than all of them."""
    digits = sum(char.isdigit() for char in user)
    if _LETTER.search(user) or digits < MIN_DIGITS:
        return user.lower()
    number = _allowed(options, user)
    return number if isinstance(number, Refusal) else number.dialled


def _forbidden_host(options: OutboundOptions, destination: Address) -> Refusal | None:
    peers = [route.destination[:2] for route in options.routes]
    if destination == options.trunk or destination in peers:
        return Refusal(
            "is_gateway", "this is [outbound] gateway or a trunk's peer: give the number alone"
        )
    host, port = destination
    names = {f"sip:{form}{rest}" for form in (host, f"[{host}]") for rest in ("", f":{port}")}
    if names & {pattern.lower() for pattern in options.deny}:
        return Refusal("denied", "[outbound] deny has this host")
    if not names & {pattern.lower() for pattern in options.allow}:
        return Refusal("not_allowed", f'[outbound] allow does not have "sip:{host}"')
    return None
