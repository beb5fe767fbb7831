"""Settings of faxes, of calls that we place, and of mail: `[fax]`, `[outbound]`, `[mail]`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from telebank.calls.faxes.numbers import PATTERN, SHORT, Plan, read
from telebank.calls.faxes.patterns import Pattern, any_fits, understood
from telebank.sip import Address, T38Way
from telebank.sip.trunks import TrunkOptions, peer_of
from telebank.sip.uri import Hop

DEFAULT_SIP = 5060
MAX_PORT = 65_535
MAX_CHANNELS = 64
MAX_TRIES = 10
MAX_LISTED = 1_000
IDENT, HEADER = 20, 50
DAY_S = 86_400
MAX_KEEP_DAYS = 3_660
MAX_MAIL_MB = 100
HOST = re.compile(r"sip:[A-Za-z0-9.\-\[\]:]{1,120}")
"""A host of SIP addresses, in a list of what may be called."""
MAX_NATIONAL = 14
WITHOUT_TRUNK = (*(f"1{nth}#########" for nth in range(3, 10)), "400#######", "800#######")
"""As China dials them: mobile numbers, and those that their owners pay for."""
_MAILBOX = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,190}")


def thousandths(amount: str) -> int:
    """Of a unit of currency: `"0.125"` is 125."""
    return int(Decimal(amount).scaleb(3))


@dataclass(frozen=True, slots=True)
class FaxOptions:
    """Faxes; section `[fax]`."""

    channels: int = 4
    """Faxes of this node at once, those in callers' calls and those that come among them."""
    incoming: int = 2
    """Of the channels, those that faxes which come may have; one is always left to those that go,
    where there are two or more."""
    incoming_daily: int = 300
    """Calls that bring faxes to this node on a day of the bank's wall clock."""
    incoming_per_number_daily: int = 30
    """The same from one number; all who show none are one."""
    free_mb: int = 500
    """Megabytes that must be free on the disk for a call to be answered."""
    waiting: int = 100
    """Faxes of this node that wait to be sent; a further one is refused."""
    most: int = 5
    """Faxes of one customer that wait; of callers who are not proven, of one call."""
    tries: int = 3
    """Calls for one fax at most; each sends the pages that were not confirmed yet."""
    retry_s: float = 120.0
    """Seconds from the end of the first call to the second; doubled from call to call."""
    patience_hours: int = 24
    """Hours after its time for which a fax waits (for a channel, for [outbound] limits, for its
    next try); then it has failed."""
    t38: T38Way = "auto"
    """`auto`: we offer T.38 and take it; `never`: fax over G.711 alone; `peer`: T.38 where the
    other side offers it."""
    t38_for: Mapping[str, T38Way] = field(default_factory=dict)
    """The same by destination: `"0755*" = "never"`, in whatever way the number is written, as rules
    of `[outbound]` are; the longest that fits counts."""
    ident: str = ""
    """Our machine's identification, shown by the other one: usually its number; 20 characters of
    ASCII."""
    header: str = ""
    """Text of the line above each page sent; 50 characters of ASCII. Empty: no such line."""
    resolution: Literal["fine", "standard"] = "fine"
    """Of pages sent: 204x196 or 204x98 dots an inch."""
    watchdog_s: int = 1_800
    """Seconds after which a fax is ended, whatever it is doing."""
    numbers: tuple[str, ...] = ()
    """Called numbers that receive faxes, as in the request URI of the call."""
    keep_days: int = 30
    """Days for which the files of a fax that has ended are kept."""
    look_s: float = 5.0
    """Seconds between two looks for what is due."""

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise ValueError(f"channels is 1 to {MAX_CHANNELS}")
        if min(self.incoming, self.incoming_daily, self.incoming_per_number_daily) < 1:
            raise ValueError("incoming, incoming_daily and incoming_per_number_daily are 1 or more")
        if self.free_mb < 0:
            raise ValueError("free_mb is not below zero")
        if not 1 <= self.tries <= MAX_TRIES:
            raise ValueError(f"tries is 1 to {MAX_TRIES}")
        if min(self.waiting, self.most, self.patience_hours, self.retry_s, self.look_s) <= 0:
            raise ValueError("waiting, most, patience_hours, retry_s and look_s are above zero")
        if not 30 <= self.watchdog_s <= DAY_S:  # noqa: PLR2004 - a page takes as long
            raise ValueError(f"watchdog_s is 30 to {DAY_S}, in seconds")
        if not 1 <= self.keep_days <= MAX_KEEP_DAYS:
            raise ValueError(f"keep_days is 1 to {MAX_KEEP_DAYS}")
        for name, most in (("ident", IDENT), ("header", HEADER)):
            text: str = getattr(self, name)
            if len(text) > most or not (text.isascii() and (text.isprintable() or not text)):
                raise ValueError(f"{name} is at most {most} printable characters of ASCII")
        _patterns("t38_for", tuple(self.t38_for))

    @property
    def incoming_at_once(self) -> int:
        """How many faxes may come at once."""
        return min(self.incoming, max(1, self.channels - 1))

    def t38_to(self, plan: Plan, number: str) -> T38Way:
        """The setting for a destination, or for whoever calls from there. Raises `ValueError` where
        `t38_for` has what is no rule of the plan."""
        rules = [(rule, way) for text, way in self.t38_for.items() for rule in _rule(plan, text)]
        known = read(plan, number)
        fits = [] if isinstance(known, str) else [one for one in rules if one[0].fits(known.form)]
        return max(fits, key=lambda one: one[0].exact)[1] if fits else self.t38


def _rule(plan: Plan, text: str) -> tuple[Pattern, ...]:
    try:
        return understood(plan, text)
    except ValueError as error:
        raise ValueError(f"t38_for: {error}") from error


@dataclass(frozen=True, slots=True)
class Route:
    """A trunk that carries numbers for us."""

    trunk: str
    destination: Hop
    """Its first peer."""
    allowed: tuple[Pattern, ...]
    denied: tuple[Pattern, ...]
    prices: tuple[tuple[Pattern, int], ...]
    """Thousandths of the bank's currency a minute."""
    caller: str = ""
    t38: T38Way = "auto"
    spend_daily: int | None = None
    """Thousandths of the bank's currency on a day; None: no cap."""

    def has(self, form: str) -> bool:
        """Whether it carries a number of this form."""
        return any_fits(self.allowed, form) and not any_fits(self.denied, form)

    def price(self, form: str) -> int | None:
        """Thousandths of the bank's currency a minute, the dearest that fits; None: none does."""
        return max((price for pattern, price in self.prices if pattern.fits(form)), default=None)


class _Rules:
    """What `allow`, `deny` and the trunks' rules mean, read once; no settings of their own."""

    __slots__ = ("allowed", "denied", "routes")
    allowed: tuple[Pattern, ...]
    denied: tuple[Pattern, ...]
    routes: tuple[Route, ...]
    """Trunks that carry numbers, in the order in which one is looked for."""


@dataclass(frozen=True, slots=True)
class OutboundOptions(_Rules):
    """Calls that we place; section `[outbound]`. Nothing goes out before `allow` says what may."""

    gateway: str = ""
    """Where calls to telephone numbers go that no trunk has in its `allow` (`[trunks.NAME]`):
    `address:port` over UDP. Empty: nowhere."""
    caller: str = ""
    """The number that we call from, in digits; empty: `telebank`."""
    allow: tuple[str, ...] = ()
    """Numbers that may be called: digits, `010########` with a `#` for any one digit, `010*` for
    all that begin so, however long. `+8610*` says the same: a rule holds for a number in every
    way of writing it. `+44*` or `0044*` is another country, `00*` are all of them: a rule that
    does not begin with `+` or the international prefix is never for numbers abroad.
    `sip:192.0.2.7` lets staff call SIP addresses on that host; a number in
    such an address (three digits or more) needs its own entry. Empty: nobody may be called."""
    deny: tuple[str, ...] = ()
    """Numbers that may not, whatever `allow` says, and all that begin as they do: exchanges pass
    over digits too many. `00*` or `+*`: nothing abroad. Hosts as in `allow`."""
    country: str = "86"
    """Country code of the gateway's numbers."""
    trunk_prefix: str = "0"
    """Dialled before the area code within the country; empty where there is none."""
    international_prefix: str = "00"
    """Dialled before a country code."""
    area_code: str = ""
    """Of numbers of seven or eight digits, written without one; empty: they are refused."""
    without_trunk: tuple[str, ...] = WITHOUT_TRUNK
    """Numbers of the country that are dialled without the trunk prefix: mobile ones above all."""
    carriers: tuple[str, ...] = ("179", "12593", "10193")
    """Prefixes that choose a carrier: what begins so is refused, whatever comes behind."""
    national_min: int = 9
    """Digits of the country's shortest number, area code and all."""
    national_max: int = 11
    """Digits of its longest."""
    calls_hourly: int = 30
    """Calls in an hour, of all nodes together."""
    per_number_daily: int = 6
    """Calls to one number on a day. Exchanges may ignore digits too many: `010########` in `allow`
    lets nobody count as another number by them."""
    customer_daily: int = 12
    """Calls for the faxes of one customer on a day, whatever their numbers; of callers who are not
    proven, for those of one call; of staff they are not counted."""
    seconds_daily: int = 14_400
    """Seconds of calls on a day, all together. A call's longest time is set aside beforehand."""
    judge_answers: bool = True
    """Whether it is listened to who answers a call-back: a fax or the tone of an exchange ends the
    try at once, and an answering machine is talked to once, not twice."""

    def __post_init__(self) -> None:
        if self.gateway:
            address_in("gateway", self.gateway)
        if self.caller and not (self.caller.isascii() and self.caller.isdigit()):
            raise ValueError("caller is digits")
        _patterns("allow", self.allow, hosts=True)
        _patterns("deny", self.deny, hosts=True)
        self._check_plan()
        self._read_rules()
        many = (self.calls_hourly, self.per_number_daily, self.customer_daily, self.seconds_daily)
        if min(many) < 0:
            raise ValueError(
                "calls_hourly, per_number_daily, customer_daily and seconds_daily are not below"
                " zero"
            )

    def _check_plan(self) -> None:
        _patterns("without_trunk", self.without_trunk)
        digits = (self.country, self.international_prefix, *self.carriers)
        optional = [text for text in (self.trunk_prefix, self.area_code) if text]
        if not all(text.isascii() and text.isdigit() for text in (*digits, *optional)):
            raise ValueError(
                "country, trunk_prefix, international_prefix, area_code and carriers are digits"
            )
        if not SHORT < self.national_min <= self.national_max <= MAX_NATIONAL:
            raise ValueError(f"national_min and national_max are {SHORT + 1} to {MAX_NATIONAL}")

    def _read_rules(self) -> None:
        for name, rules in (("allow", self.allow), ("deny", self.deny)):
            found: list[Pattern] = []
            for rule in rules:
                if HOST.fullmatch(rule):
                    continue
                try:
                    found += understood(self.plan, rule, denies=name == "deny")
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error
            object.__setattr__(self, "allowed" if name == "allow" else "denied", tuple(found))
        object.__setattr__(self, "routes", ())

    def over(self, trunks: Mapping[str, TrunkOptions]) -> "OutboundOptions":
        """The same, with the trunks that carry numbers. Raises `ValueError` for their rules."""
        routed = replace(self)
        routes = [
            self._route(name, trunk)
            for name, trunk in trunks.items()
            if trunk.peers and trunk.allow
        ]
        object.__setattr__(routed, "routes", tuple(routes))
        return routed

    def _route(self, name: str, trunk: TrunkOptions) -> Route:
        try:
            for what in ("allow", "deny"):
                _patterns(what, getattr(trunk, what))
            _patterns("tariff", tuple(trunk.tariff))
            prices = [
                (pattern, thousandths(price))
                for rule, price in trunk.tariff.items()
                for pattern in understood(self.plan, rule)
            ]
            return Route(
                name,
                peer_of(trunk.peers[0]),
                tuple(one for rule in trunk.allow for one in understood(self.plan, rule)),
                tuple(
                    one for rule in trunk.deny for one in understood(self.plan, rule, denies=True)
                ),
                tuple(prices),
                trunk.caller,
                trunk.t38,
                thousandths(trunk.spend_daily) if trunk.spend_daily else None,
            )
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

    @property
    def plan(self) -> Plan:
        """How numbers are written."""
        return Plan(
            self.country,
            self.trunk_prefix,
            self.international_prefix,
            self.area_code,
            self.without_trunk,
            self.carriers,
            range(self.national_min, self.national_max + 1),
        )

    @property
    def trunk(self) -> Address | None:
        """Where calls to numbers go; None where they go nowhere."""
        return address_in("gateway", self.gateway) if self.gateway else None


@dataclass(frozen=True, slots=True)
class MailOptions:
    """Mail: faxes that came, to people at the bank; papers that callers ask for, to them; section
    `[mail]`."""

    host: str = ""
    """The SMTP server; empty: nothing is mailed."""
    port: int = 25
    """Its port: 25, 587 with `starttls`, 465 with `tls`."""
    tls: Literal["none", "starttls", "tls"] = "none"
    """How the way to it is encrypted; `starttls` that is refused is no mail."""
    ca_file: str = ""
    """File of the authority of its certificate; empty: those of the system."""
    user: str = ""
    """Whom to log in as; only over an encrypted way. Empty: no log-in."""
    password_file: str = ""
    """File with the password, mode 0600; a relative path is below DATA/keys."""
    sender: str = ""
    """Address that mail is from."""
    to: tuple[str, ...] = ()
    """Addresses that get received faxes."""
    statements: bool = False
    """Whether callers may have papers mailed to the address that the bank has of them."""
    timeout_s: float = 30.0
    """Seconds for each step with the server."""
    try_s: float = 900.0
    """Seconds for one try as a whole; a server may take 600 of them to take a mail that it has."""
    max_mb: int = 20
    """Megabytes of a mail at most; larger files of faxes that came stay here, and the mail says
    where; a larger paper is not mailed."""
    tries: int = 10
    """Tries for one mail; then people find a fax that came by `telebank fax inbox` alone."""
    retry_s: float = 60.0
    """Seconds between the first two tries; doubled from try to try."""
    waiting: int = 500
    """Papers of this node that wait for the server; a further one is refused."""
    most: int = 5
    """The same, of one customer."""
    customer_daily: int = 12
    """Papers that one customer may have mailed in 24 hours by all nodes together, whatever became
    of them."""
    patience_hours: int = 24
    """Hours for which a paper waits to be mailed; then it has failed, or is `unconfirmed`."""

    def __post_init__(self) -> None:
        if not 0 < self.port <= MAX_PORT:
            raise ValueError(f"port is 1 to {MAX_PORT}")
        if not 1 <= self.max_mb <= MAX_MAIL_MB:
            raise ValueError(f"max_mb is 1 to {MAX_MAIL_MB}")
        if min(self.tries, self.retry_s, self.timeout_s, self.try_s) <= 0:
            raise ValueError("tries, retry_s, timeout_s and try_s are above zero")
        if min(self.waiting, self.most, self.customer_daily, self.patience_hours) <= 0:
            raise ValueError("waiting, most, customer_daily and patience_hours are above zero")
        for mailbox in (*self.to, *([self.sender] if self.sender else [])):
            if _MAILBOX.fullmatch(mailbox) is None:
                raise ValueError(f"{mailbox!r} is no address: name@example.com")
        if self.host and not (self.sender and (self.to or self.statements)):
            raise ValueError("host needs `sender`, and `to` or `statements = true`")
        if self.user and (self.tls == "none" or not self.password_file):
            raise ValueError('user needs password_file, and tls = "starttls" or "tls"')

    def password_path(self, keys: Path) -> Path | None:
        """The password's file; None where nobody logs in."""
        return keys / self.password_file if self.user else None


def address_in(name: str, text: str) -> Address:
    """`address:port` (a port is not needed); raises `ValueError`: this machine looks up no names
    of other ones."""
    host, _, port = text.rpartition(":") if ":" in text else (text, "", str(DEFAULT_SIP))
    try:
        found = str(ip_address(host.strip("[]")))
    except ValueError as error:
        raise ValueError(f"{name} is {text!r}: give an IP address and port") from error
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= MAX_PORT):
        raise ValueError(f"{name} is {text!r}: the port is 1 to {MAX_PORT}")
    return (found, int(port))


def _patterns(name: str, patterns: tuple[str, ...], *, hosts: bool = False) -> None:
    if len(patterns) > MAX_LISTED:
        raise ValueError(f"{name} has more than {MAX_LISTED} entries")
    for pattern in patterns:
        if PATTERN.fullmatch(pattern) or (hosts and HOST.fullmatch(pattern)):
            continue
        raise ValueError(
            f"{name}: {pattern!r} is no number: digits, 010######## or 010* for what begins so"
            + (", or sip:192.0.2.7 for a host" if hosts else "")
        )
