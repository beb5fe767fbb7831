"""What `telebank config check` finds in settings that can be read, but do not do what they say."""

import re
from collections.abc import Iterator
from ipaddress import ip_network

from telebank.settings import Settings
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import LOOPBACK, TrunkOptions

_DIALLED = re.compile(r"[^*]*\*?")


def faults(settings: Settings) -> Iterator[str]:
    """What must be changed, with the section and the key."""
    for name, trunk in settings.trunks.items():
        if name != LOOPBACK:
            for fault in _of_trunk(trunk):
                yield f"[trunks.{name}] {fault}"
    if settings.registrar.realm:
        for fault in _of_phones(settings.registrar):
            yield f"[registrar] {fault}"


def warnings(settings: Settings) -> Iterator[str]:
    """What can be meant so, and mostly is not."""
    for name, trunk in settings.trunks.items():
        for text in trunk.addresses:
            if not ip_network(text).prefixlen and not trunk.certificates:
                yield (
                    f"[trunks.{name}] addresses has {text}, the whole world: whoever calls is this"
                    " trunk, whatever [admission] strangers says"
                )


def _of_trunk(trunk: TrunkOptions) -> Iterator[str]:
    if not (trunk.addresses or trunk.certificates or trunk.peers):
        yield (
            "has none of addresses, certificates and peers, and does nothing: give addresses ="
            ' ["192.0.2.1"] for calls from it, peers = ["192.0.2.1:5060"] for calls to it'
        )
    if trunk.allow and not trunk.peers:
        yield 'has allow, but no peers to call: give peers = ["192.0.2.1:5060"], or leave out allow'
    if trunk.spend_daily and not trunk.tariff:
        yield (
            "has spend_daily, but no tariff, so that it calls nobody: give tariff ="
            ' {"1##########" = "0.12"}, a price for all of allow, or leave out spend_daily'
        )
    elif trunk.spend_daily:
        for rule in trunk.allow:
            if not any(_prices(price, rule) for price in trunk.tariff):
                yield (
                    f"tariff has no price for all of {rule!r} in allow: with spend_daily numbers"
                    f' without one are not called; give "{rule}" = "0.12"'
                )
    yield from _numbers(trunk.numbers)


def _of_phones(phones: PhoneOptions) -> Iterator[str]:
    if not phones.networks:
        yield (
            'networks is empty: no phone can register; give networks = ["10.1.0.0/16"], or leave it'
            " out for loopback and private networks"
        )
    wide = [ip_network(text) for text in phones.networks]
    for text in phones.md5_networks if wide else ():
        narrow = ip_network(text)
        if not any(
            one.version == narrow.version and narrow[0] in one and narrow[-1] in one for one in wide
        ):
            yield f"md5_networks has {text}, which is outside networks: phones there get 403"
    yield from _numbers(phones.numbers)


def _numbers(patterns: tuple[str, ...]) -> Iterator[str]:
    """Patterns with a star elsewhere than at the end: nobody dials it."""
    for pattern in patterns:
        if _DIALLED.fullmatch(pattern) is None:
            yield f'numbers has {pattern!r}, which fits nothing: a star stands at the end, "9558*"'


def _prices(price: str, rule: str) -> bool:
    """Whether a pattern of prices has every number that a rule has: `*` at the end stands for any
    further digits, `#` for one."""
    begins, asked = price.rstrip("*"), rule.rstrip("*")
    if price == begins and (rule != asked or len(asked) != len(begins)):
        return False
    if len(asked) < len(begins):
        return False
    return all(a in ("#", b) for a, b in zip(begins, asked, strict=False))
