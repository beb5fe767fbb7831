"""The registrar at work: who may register, from where and how often (RFC 3261 section 10.3), and
who calls from where no trunk is and proves to be a phone (section 22.2).

Whoever has no right password leaves nothing behind and learns nothing: a REGISTER is judged by
where it comes from and how it is written before anybody looks who it names, and then a challenge is
the same for phones that are ours and for names that are none (RFC 8760, `digest_server`). An
INVITE is judged in the same way, with the same counts of wrong passwords.
"""

import hashlib
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from types import MappingProxyType

from telebank.sip.admission import Bucket
from telebank.sip.contacts import user_of
from telebank.sip.core import Core
from telebank.sip.digest import Account, Algorithm
from telebank.sip.digest_server import Challenged, DigestOptions, DigestServer, Verified, Why
from telebank.sip.door import Door, dialled
from telebank.sip.events import Gone, PhoneGone, PhoneRefused, PhoneRegistered
from telebank.sip.failed_attempts import AttemptOptions, FailedAttempts, network_of
from telebank.sip.message import HeaderLines, Request
from telebank.sip.protection import MediaWay
from telebank.sip.registrar import Binding, Registered, Registrar, RegistrarOptions
from telebank.sip.screening import Rejection, busy
from telebank.sip.trunks import Trunk, TrunkOptions, network_in
from telebank.sip.uri import BadUri, Hop, SipUri, hop_of

PHONE = "phone "
"""How the trunk of a phone's own call begins, its extension behind it: no trunk's name."""
REGISTRAR = "registrar"
"""Owner of the timer at which a contact ends."""
_REALM = re.compile(r"[A-Za-z0-9._\-]{0,120}")
PRIVATE = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)
"""Loopback and private networks (RFC 1918, RFC 4193, RFC 4291)."""


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """Desk phones; section `[registrar]`."""

    realm: str = ""
    """What phones are asked to prove themselves for, such as the bank's domain; empty: there is no
    registrar, and REGISTER is refused. The secrets of phones are good for one realm only."""
    networks: tuple[str, ...] = PRIVATE
    """Where phones may register from, as `10.1.0.0/16`; from elsewhere they get 403."""
    domains: tuple[str, ...] = ()
    """Lower-case host names and addresses that phones register for; empty: any."""
    md5: bool = False
    """Whether MD5 is offered beside SHA-256, for the phones that are allowed it."""
    md5_networks: tuple[str, ...] = ()
    """Where nothing but MD5 is offered: networks of old phones that give up at the sight of any
    other. What is asked must not depend on the phone, or it would tell who is one."""
    min_expires: int = 60
    """Shortest registration, in seconds; below it 423 says so."""
    default_expires: int = 3_600
    """Registration of a phone that names no time, in seconds."""
    max_expires: int = 7_200
    """Longest registration, in seconds; longer ones are cut."""
    contacts: int = 3
    """Contacts of one phone; one more takes the place of the one refreshed longest ago."""
    phones: int = 1_000
    """Phones there may be."""
    registrations_per_s: float = 10.0
    """REGISTER in a second from one source, an IPv4 address or a /64 network of IPv6; twice as many
    at once. Above it 503. `[admission]` counts before this."""
    sources: int = 20_000
    """Sources kept in mind; the one unheard of longest goes first."""
    told_per_s: float = 5.0
    """Events of refused phones in a second; the rest are counted in the next one."""
    numbers: tuple[str, ...] = ()
    """Numbers of ours that phones may call from where no trunk is: `95588`, `9558*`; others get
    404. Empty: all."""
    calls: int = 2
    """Calls of one phone from there at once; above it new ones get 503. 0: none may call."""
    media: MediaWay = "any"
    """The media of calls of phones from where no trunk is, as `[trunks.NAME] media` says it."""
    sdes_in_clear: bool = False
    """Whether keys of SRTP are taken from them in clear signalling, as there."""

    def __post_init__(self) -> None:
        for key in ("networks", "md5_networks"):
            for network in getattr(self, key):
                network_in(key, network)
        if (
            min(self.registrations_per_s, self.told_per_s) <= 0
            or min(self.phones, self.contacts, self.sources) < 1
        ):
            raise ValueError(
                "registrations_per_s, told_per_s, phones, contacts and sources are above 0"
            )
        _ = self.calling  # its own checks
        if not _REALM.fullmatch(self.realm):
            raise ValueError(
                f"realm: {self.realm!r} is no domain: give letters, digits, dots and hyphens and no"
                ' spaces, as "bank.example"'
            )
        _ = self.registrar  # its own checks

    @property
    def registrar(self) -> RegistrarOptions:
        """Of the bindings."""
        return RegistrarOptions(
            domains=self.domains,
            min_expires=self.min_expires,
            default_expires=self.default_expires,
            max_expires=self.max_expires,
            max_contacts=self.contacts,
            replace_oldest=True,
            max_accounts=self.phones,
        )

    @property
    def calling(self) -> TrunkOptions:
        """What a phone may that calls from where no trunk is."""
        return TrunkOptions(
            t38="never",
            calls_in=self.calls,
            numbers=self.numbers,
            media=self.media,
            sdes_in_clear=self.sdes_in_clear,
        )

    @property
    def takes_md5(self) -> bool:
        """Whether a phone may sign with MD5 anywhere."""
        return self.md5 or bool(self.md5_networks)

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """What is offered, the strongest first."""
        return (Algorithm.SHA_256, Algorithm.MD5) if self.md5 else (Algorithm.SHA_256,)


@dataclass(frozen=True, slots=True)
class PhoneWay:
    """How to call a phone: `invite(uri, …, destination=hop, by_flow=by_flow)`."""

    uri: str
    hop: Hop
    by_flow: bool
    """The way that its REGISTER came is the only one: it has a connection, or its address is
    translated."""


class Registering:
    """Takes every REGISTER outside calls."""

    def __init__(
        self, core: Core, door: Door | None, options: PhoneOptions, token: Callable[[], str]
    ) -> None:
        self.options = options
        self.registrar = Registrar(options.registrar)
        self.totals: Counter[str] = Counter()
        """What became of REGISTERs, since the start."""
        self.calls: Counter[str] = Counter()
        """What became of INVITEs from no trunk, since the start."""
        self._core = core
        self._door = door
        if door is not None:
            door.is_phone_place = self.is_place
            door.callers = self if options.calls else None
        self._calling = options.calling
        self._accounts: Mapping[str, Account] = MappingProxyType({})
        attempts = FailedAttempts(AttemptOptions())
        self._digest, self._old = (
            DigestServer(
                DigestOptions(options.realm, algorithms),
                hashlib.sha256(f"{token()} {token()}".encode()).digest(),
                attempts,
            )
            for algorithms in (options.algorithms, (Algorithm.MD5,))
        )
        self._networks = [ip_network(network) for network in options.networks]
        self._md5_networks = [ip_network(network) for network in options.md5_networks]
        self._sources: OrderedDict[str, Bucket] = OrderedDict()
        self._telling = Bucket(options.told_per_s, 0.0)
        self._hidden = 0

    def use(self, accounts: Mapping[str, Account]) -> None:
        """Take these phones; contacts of those that are no more, or have another secret, end."""
        before, self._accounts = self._accounts, MappingProxyType(dict(accounts))
        for extension in self.registrar.accounts():
            if self._accounts.get(extension) != before.get(extension):
                gone = self.registrar.forget(extension)
                self._gone(gone, "closed")
        self._set()

    def is_place(self, source: Hop) -> bool:
        """Whether phones may be there."""
        return _is_in(source, self._networks)

    def wake(self, now: float) -> None:
        """End contacts that were not refreshed."""
        self._gone([each.binding for each in self.registrar.wake(now)], "expired")
        self._set()

    def ways(self, extension: str, now: float) -> list[PhoneWay]:
        """How the phone can be called: one a contact, the best first (RFC 3261 section 16.6)."""
        there = sorted(self.registrar.bindings(extension, now), key=_preference, reverse=True)
        return [way for each in there if (way := self._way(each)) is not None]

    def counts(self) -> dict[str, int]:
        """Phones, contacts, and what is kept in mind of sources."""
        return {
            "phones": len(self._accounts),
            "registered": len(self.registrar.accounts()),
            "contacts": len(self.registrar),
            "sources": len(self._sources),
            **{f"digest_{name}": many for name, many in self._digest.counts().items()},
            "digest_md5_nonces": self._old.counts()["nonces"],
        }

    # A REGISTER

    def request(self, request: Request, source: Hop, now: float) -> None:
        """Answer one that is new."""
        core = self._core
        if not self.is_place(source):
            self._refuse(request, source, 403, "not from a network of phones", now)
            if self._door is not None:
                self._door.failed(source, now)
        elif not self._bucket(source, now).take(now) or self._is_full():
            wait = [("Retry-After", str(core.options.retry_after))]
            self._refuse(request, source, 503, "too many at once", now, wait)
        elif (wrong := self.registrar.look(request)) is not None:
            self._refuse(request, source, wrong.status, wrong.reason, now, wrong.headers)
            if self._door is not None:
                self._door.failed(source, now)
        else:
            self._prove(request, source, now)

    def _prove(self, request: Request, source: Hop, now: float) -> None:
        found = self._check(request, source, self.totals, now)
        if isinstance(found, Challenged):
            self._core.answer_once(request, source, found.status, found.headers)
        else:
            self._take(request, source, found.account.username, now)

    def _check(
        self, request: Request, source: Hop, totals: Counter[str], now: float
    ) -> Verified | Challenged:
        old = _is_in(source, self._md5_networks)
        found = (self._old if old else self._digest).check(request, source, self._accounts, now)
        if isinstance(found, Challenged):
            totals["challenged"] += 1
            if found.why in (Why.WRONG, Why.HELD):
                known = found.username if found.username in self._accounts else ""
                totals[found.why.name.lower()] += 1
                self._tell(known, source, found.why.value, now)
        elif self._door is not None:
            self._door.admission.proved(source, self._door.of(source), now)
        return found

    def _take(self, request: Request, source: Hop, extension: str, now: float) -> None:
        """The owner of the phone asks. A repeat must get the same answer: its count is used."""
        core = self._core
        done = self.registrar.receive(request, extension, source, now)
        transaction = core.layer.open_server(request, source, "", now)
        if isinstance(done, Registered):
            core.answer(transaction, 200, now, to_tag=core.token(), headers=done.headers)
            self.totals["taken"] += 1
            self._changed(done, now)
        else:
            core.answer(transaction, done.status, now, to_tag=core.token(), headers=done.headers)
            self.totals["refused"] += 1
            self._tell(extension, source, done.reason, now)
        self._set()

    def _changed(self, done: Registered, now: float) -> None:
        for each in done.added:
            seconds = each.expires_at - now
            self._core.out.append(PhoneRegistered(each.account, each.uri, each.source, seconds))
        over = [each for each in done.removed if each.expires_at <= now]
        self._gone(over, "expired")
        self._gone([each for each in done.removed if each not in over], "left")

    # An INVITE

    def screen(self, request: Request, source: Hop, now: float) -> Trunk | Rejection | None:
        """The rights of a phone that calls from where no trunk is, or its refusal; None: it is for
        no phone to say. Whoever has no right password gets the same challenge for any name, and it
        counts as a failure of his address, as every call of a stranger does."""
        if not (self.is_place(source) and self._names_ours(request)):
            return None
        found = self._check(request, source, self.calls, now)
        if isinstance(found, Challenged):
            if self._door is not None:
                self._door.failed(source, now)
            return Rejection(found.status, found.headers)
        extension = found.account.username
        trunk = Trunk(f"{PHONE}{extension}", self._calling, known=False)
        self.calls["proved"] += 1
        if user_of(request.from_.uri) != extension:
            self._tell(extension, source, "a call in another name", now)
            return Rejection(403)
        if self._core.trunk_calls[trunk.name, "in"] >= trunk.options.calls_in:
            return busy(self._core.options)
        return trunk if trunk.takes(dialled(request.uri)) else Rejection(404)

    def _names_ours(self, request: Request) -> bool:
        """Whether From is an address of a domain of ours, whoever of it."""
        try:
            host = SipUri.parse(request.from_.uri).host.lower()
        except BadUri:
            return False
        return not self.options.domains or host in self.options.domains

    def _refuse(  # noqa: PLR0917 - an answer
        self, request: Request, source: Hop, status: int, why: str, now: float,
        headers: HeaderLines = (),
    ) -> None:  # fmt: skip
        self._core.answer_once(request, source, status, headers)
        self.totals["refused"] += 1
        self._tell("", source, why, now)

    def _tell(self, extension: str, source: Hop, why: str, now: float) -> None:
        """One event, unless there were many lately: a flood must not fill the log."""
        if not self._telling.take(now):
            self._hidden += 1
            return
        hidden, self._hidden = self._hidden, 0
        self._core.out.append(PhoneRefused(extension, source, why, hidden))

    def _gone(self, bindings: Sequence[Binding], why: Gone) -> None:
        for each in bindings:
            self._core.out.append(PhoneGone(each.account, each.uri, each.source, why))

    def _set(self) -> None:
        at = self.registrar.wake_at
        if at is None:
            self._core.timers.stop(REGISTRAR, ("expires",))
        else:
            self._core.timers.start(REGISTRAR, "expires", at)

    # What is known of sources and contacts

    def _bucket(self, source: Hop, now: float) -> Bucket:
        key = network_of(source.host)
        bucket = self._sources.get(key)
        if bucket is None:
            while len(self._sources) >= self.options.sources:
                self._sources.popitem(last=False)
            bucket = self._sources[key] = Bucket(self.options.registrations_per_s, now)
        self._sources.move_to_end(key)
        return bucket

    def _is_full(self) -> bool:
        return len(self._core.layer) >= self._core.options.max_transactions

    def _way(self, binding: Binding) -> PhoneWay | None:
        """None: the only connection to the phone is gone, until it registers again."""
        source = binding.source
        contact = SipUri.parse(binding.uri)  # the registrar takes no other
        # What a phone would have in the headers of our requests to it is not for it to say.
        uri = binding.uri.removesuffix(contact.headers)
        if source.reliable and source in self._core.layer.streams:
            return PhoneWay(uri, source, by_flow=True)
        if contact.host.strip("[]") == source.host:
            return PhoneWay(uri, hop_of(uri, source), by_flow=False)
        return None if source.reliable else PhoneWay(uri, source, by_flow=True)


def _is_in(source: Hop, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    address = ip_address(source.host.partition("%")[0])
    return any(address in network for network in networks)


def _preference(binding: Binding) -> tuple[float, float]:
    return binding.q, binding.refreshed_at
