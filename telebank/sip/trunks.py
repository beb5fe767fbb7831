"""Trunks: whom calls come from and go to, and what each of them may. Settings as data."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from telebank.sip.digest import Account, Algorithm
from telebank.sip.fax_events import T38Way
from telebank.sip.protection import MediaWay
from telebank.sip.uri import MAX_PORT, TRANSPORTS, Hop, Transport

Codec = Literal["PCMA", "PCMU"]
LOOPBACK = "loopback"
"""The trunk that every node has: this machine."""
MAX_TRUNKS = 64
MAX_LISTED = 64
MAX_KNOWN = 4_096
"""Addresses whose trunk is kept in mind."""
PACKET_TIMES = (10, 20, 30, 40, 60)
DIALLED = re.compile(r"[+*#A-Za-z0-9._\-]{0,32}\*?")
"""A called number, or how numbers begin with a star behind it."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_\-]{0,31}")
_METHOD = re.compile(r"[A-Z]{3,16}")
_DOMAIN = re.compile(r"[A-Za-z0-9.\-_*]{1,120}")
_NUMBER = re.compile(r"\+?[0-9]{0,20}")
_PRICE = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?")
_Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class TrunkOptions:
    """One trunk; section `[trunks.NAME]`."""

    addresses: tuple[str, ...] = ()
    """Where its requests come from: addresses or networks such as `192.0.2.0/28`, IPv4 or IPv6."""
    certificates: tuple[str, ...] = ()
    """Names in the TLS certificate it shows, one of which is enough; then `addresses`, where there
    are any, must fit too. Only over TLS. Calls to its peers expect the first of them; without any,
    the peer's address."""
    transports: tuple[Transport, ...] = TRANSPORTS
    """What its requests come over."""
    peers: tuple[str, ...] = ()
    """Where calls to it go, in this order: `192.0.2.1:5060`, `tcp:192.0.2.1:5060`,
    `tls:[2001:db8::1]:5061`. Empty: no call goes out over it."""
    methods: tuple[str, ...] = ()
    """Methods of its requests outside calls; empty: all that we know. Within a call all are."""
    codecs: tuple[Codec, ...] = ("PCMA", "PCMU")
    """What we take and offer, the preferred first."""
    ptime_ms: int = 20
    """Milliseconds of audio in a packet that we ask for where we make the offer: 10, 20, 30, 40 or
    60. Where the other side makes it, its wish counts."""
    media: MediaWay = "any"
    """What its audio may be: `any`: what it offers, plain RTP or SRTP; `srtp`: SRTP alone, which
    our own offers ask for too; `plain`: RTP alone. The rest gets 488. With `srtp` there are no
    faxes over it: T.38 has no encryption here."""
    sdes_in_clear: bool = False
    """Whether keys of SRTP in session descriptions (a=crypto) count where the signalling is not
    over TLS, nor of this machine. Whoever reads the signalling can then listen (RFC 4568 7): only
    where another tunnel protects it."""
    t38: T38Way = "auto"
    """Faxes that we send over it: `auto`: we offer T.38 and take it; `peer`: we take it; `never`:
    G.711 alone. `[fax] t38` may say less, never more."""
    trusted: bool = False
    """Whether its network vouches for callers: P-Asserted-Identity is believed, and 3xx and REFER
    are followed. Only where a contract says that it does."""
    realm: str = ""
    """Digest realm of its passwords; empty: none are used."""
    user: str = ""
    """User in that realm."""
    secret_file: str = ""
    """File with the password, mode 0600; a relative path is below DATA/keys."""
    challenge: bool = False
    """Whether its calls to us must show the password; otherwise it is only for ours to it."""
    md5: bool = False
    """Whether MD5 may be used beside SHA-256: for equipment that knows nothing else."""
    md5_only: bool = False
    """Whether its calls to us are asked for MD5 alone: for equipment that gives up at the sight of
    any other. MD5 is weak: who overhears one call can try passwords at leisure, so give the trunk
    a long random one and let its calls come over TLS or a tunnel. Ours to it take SHA-256 too."""
    calls_in: int = 1_000
    """Calls from it at once; above it new ones get 503. 0: none."""
    calls_out: int = 10
    """Calls to it at once, of this node, 0: none; which numbers at all is `allow`'s to say."""
    setups_per_s: float = 100.0
    """New calls in a second from each of its addresses; twice as many at once. Above it 503."""
    numbers: tuple[str, ...] = ()
    """Numbers of ours that it may call: `95588`, `9558*`; others get 404. Empty: all."""
    allow: tuple[str, ...] = ()
    """Numbers that it carries for us, of those that `[outbound] allow` has, as there. A number goes
    over the first trunk that has it. Empty: none does."""
    deny: tuple[str, ...] = ()
    """Numbers that it does not carry, whatever `allow` says."""
    caller: str = ""
    """The number that we show; empty: `[outbound] caller`."""
    calls_a_minute: int = 30
    """Calls to it placed within any minute, of this node; 0: none."""
    tariff: Mapping[str, str] = field(default_factory=dict)
    """What a minute costs, in the bank's currency, by pattern as in `allow`: `"1##########" =
    "0.12"`. The dearest that fits counts; a number that none fits is not called where there is a
    cap."""
    spend_daily: str = ""
    """What calls to it may cost on a day, of all nodes together: `"500.00"`. Empty: no cap."""
    health_s: float = 0.0
    """Seconds between two OPTIONS to each peer; 0: none, and all are taken for well."""
    health_misses: int = 2
    """OPTIONS in a row without an answer after which a peer is down, until it answers again."""

    def __post_init__(self) -> None:
        for name in ("addresses", "certificates", "peers", "methods", "numbers", "allow", "deny"):
            if len(getattr(self, name)) > MAX_LISTED:
                raise ValueError(f"{name} has at most {MAX_LISTED} entries")
        networks_of(self.addresses)
        for peer in self.peers:
            peer_of(peer)
        _each("certificates", self.certificates, _DOMAIN, "names in certificates")
        _each("methods", self.methods, _METHOD, "SIP methods, in capital letters")
        _each("numbers", self.numbers, DIALLED, "numbers, or their beginning and a star")
        _each("caller", (self.caller,), _NUMBER, "digits")
        _each("tariff", self.tariff.values(), _PRICE, 'prices such as "0.12"')
        if self.spend_daily:
            _each("spend_daily", (self.spend_daily,), _PRICE, 'an amount such as "500.00"')
        if not self.codecs or len(set(self.codecs)) != len(self.codecs) or not self.transports:
            raise ValueError("codecs and transports name one or more, each once")
        if self.ptime_ms not in PACKET_TIMES:
            raise ValueError(f"ptime_ms is one of {', '.join(map(str, PACKET_TIMES))}")
        self._check_limits()
        self._check_password()
        self._check_media()

    def _check_media(self) -> None:
        if self.media != "srtp" or self.sdes_in_clear:
            return
        for peer in self.peers:
            hop = peer_of(peer)
            if hop.transport != "tls" and not ip_address(hop.host).is_loopback:
                raise ValueError(
                    f"media is srtp and peer {peer!r} is not called over TLS: write tls:… or, where"
                    " another tunnel protects the signalling, sdes_in_clear = true"
                )

    def _check_limits(self) -> None:
        if min(self.calls_in, self.calls_out, self.calls_a_minute) < 0:
            raise ValueError("calls_in, calls_out and calls_a_minute: 0 or more, 0 for none")
        if self.setups_per_s <= 0:
            raise ValueError("setups_per_s is above 0; calls_in = 0 takes no calls at all")
        if self.health_s and not 1 <= self.health_s <= 3_600:  # noqa: PLR2004 - an hour
            raise ValueError("health_s is 0 (never) or 1 to 3600 seconds")
        if self.health_misses < 1:
            raise ValueError("health_misses is 1 or more")
        if self.certificates and "tls" not in self.transports:
            raise ValueError("certificates are shown over tls: add it to transports")

    def _check_password(self) -> None:
        given = [bool(self.realm), bool(self.user), bool(self.secret_file)]
        if any(given) and not all(given):
            raise ValueError("realm, user and secret_file: all three or none")
        if self.challenge and not self.realm:
            raise ValueError("challenge needs realm, user and secret_file")
        if self.md5_only and not self.challenge:
            raise ValueError(
                "md5_only is about what callers are asked: it needs challenge = true; for our own"
                " calls give md5 = true"
            )

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """What digests are made with, the preferred first."""
        old = self.md5 or self.md5_only
        return (Algorithm.SHA_256, Algorithm.MD5) if old else (Algorithm.SHA_256,)

    @property
    def asked(self) -> tuple[Algorithm, ...]:
        """What its calls to us are asked for, the preferred first."""
        return (Algorithm.MD5,) if self.md5_only else self.algorithms


def _each(name: str, values: Iterable[str], form: re.Pattern[str], what: str) -> None:
    for value in values:
        if form.fullmatch(value) is None:
            raise ValueError(f"{name}: {value!r} is not of {what}")


def network_in(key: str, text: str) -> _Network:
    """A network as the settings write it under a key; raises `ValueError` that says what to give
    instead."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        wider = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{key}: {text!r} is no address and no network: give 192.0.2.1, 192.0.2.0/24 or"
            " 2001:db8::/32"
        ) from None
    raise ValueError(
        f"{key}: {text!r} is an address within a network: give {wider}, or"
        f" {text.partition('/')[0]} alone"
    )


def networks_of(texts: Iterable[str]) -> tuple[_Network, ...]:
    """Networks as the settings write them; raises `ValueError` that says which is none."""
    found = []
    for text in texts:
        found.append(network_in("addresses", text))
    return tuple(found)


def peer_of(text: str) -> Hop:
    """A peer as the settings write it; raises `ValueError`."""
    first, colon, rest = text.partition(":")
    transport: Transport = "udp"
    for known in TRANSPORTS:
        if first == known and colon:
            transport, text = known, rest
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
    except ValueError:
        address = None
    whole = address is not None and (address.version == 4 or bare != host)  # noqa: PLR2004
    if not (whole and port.isascii() and port.isdigit() and 0 < int(port) <= MAX_PORT):
        raise ValueError(
            f"peers: {text!r}: give address:port, the address an IP address and no name,"
            " as 192.0.2.1:5060, or [2001:db8::1]:5060 for IPv6; udp:, tcp: or tls: may stand"
            " before it"
        )
    return Hop(str(address), int(port), transport)


@dataclass(frozen=True, slots=True, eq=False)
class Trunk:
    """One trunk with its name."""

    name: str
    options: TrunkOptions
    peers: tuple[Hop, ...] = ()
    """Where calls to it go, in this order."""
    account: Account | None = field(default=None, repr=False)
    """Name and keys of its realm."""
    known: bool = True
    """Whether it is one of the settings', and not strangers let in."""

    def takes(self, dialled: str) -> bool:
        """Whether it may call this number of ours."""
        numbers = self.options.numbers
        return not numbers or any(_fits(number, dialled) for number in numbers)

    def may(self, method: str) -> bool:
        """Whether it may send such a request outside calls."""
        return not self.options.methods or method in self.options.methods


def _fits(pattern: str, dialled: str) -> bool:
    if pattern.endswith("*"):
        return dialled.startswith(pattern[:-1])
    return dialled == pattern


STRANGERS = "strangers"
DEFAULT: Mapping[str, TrunkOptions] = {
    LOOPBACK: TrunkOptions(addresses=("127.0.0.0/8", "::1"), setups_per_s=200.0)
}


class Trunks:
    """Which trunk a request comes from. The narrowest network that has its address counts."""

    def __init__(
        self,
        options: Mapping[str, TrunkOptions] | None = None,
        accounts: Mapping[str, Account] | None = None,
    ) -> None:
        """`accounts` by the trunk's name. Raises `ValueError` for names and for networks that two
        trunks have."""
        given = {**DEFAULT, **(options or {})}
        check_names(given)
        held = accounts or {}
        self.by_name = {
            name: Trunk(name, each, tuple(map(peer_of, each.peers)), held.get(name))
            for name, each in given.items()
        }
        self._networks = _sorted_networks(self.by_name.values())
        self._certified = [one for one in self.by_name.values() if one.options.certificates]
        self._known: dict[str, tuple[Trunk, ...]] = {}

    def of(self, source: Hop, names: Iterable[str] = ()) -> Trunk | None:
        """The trunk of a request from here; None: a stranger's. `names`: those in the certificate
        that was shown and verified, lower case."""
        if self._certified and source.transport == "tls":
            found = self._by_certificate(source.host, set(names))
            if found is not None:
                return found
        for trunk in self._at(source.host):
            if source.transport in trunk.options.transports and not trunk.options.certificates:
                return trunk
        return None

    def _by_certificate(self, host: str, names: set[str]) -> Trunk | None:
        for trunk in self._certified:
            known = {name.lower() for name in trunk.options.certificates}
            here = not trunk.options.addresses or trunk in self._at(host)
            if names & known and here:
                return trunk
        return None

    def _at(self, host: str) -> tuple[Trunk, ...]:
        """Trunks with a network that has this address, the narrowest first."""
        found = self._known.get(host)
        if found is None:
            found = self._look(host)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[host] = found
        return found

    def _look(self, host: str) -> tuple[Trunk, ...]:
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return ()
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return tuple(
            dict.fromkeys(trunk for network, trunk in self._networks if address in network)
        )


def check_names(options: Mapping[str, TrunkOptions]) -> None:
    """Raises `ValueError` for a name that is none, too many trunks, or a network of two trunks."""
    if len(options) > MAX_TRUNKS:
        raise ValueError(f"at most {MAX_TRUNKS} trunks")
    seen: dict[object, str] = {}
    for name, each in options.items():
        if _NAME.fullmatch(name) is None or name == STRANGERS:
            raise ValueError(
                f"trunk {name!r}: 1 to 32 of a-z, 0-9, _ and - make a name; not {STRANGERS!r}"
            )
        for network in networks_of(each.addresses) if not each.certificates else ():
            other = seen.setdefault(network, name)
            if other != name:
                raise ValueError(f"trunks {other} and {name} both have {network}")


def _sorted_networks(trunks: Iterable[Trunk]) -> list[tuple[_Network, Trunk]]:
    found = [(net, trunk) for trunk in trunks for net in networks_of(trunk.options.addresses)]
    return sorted(found, key=lambda pair: -pair[0].prefixlen)


__all__ = ["LOOPBACK", "Trunk", "TrunkOptions", "Trunks", "check_names", "peer_of"]
