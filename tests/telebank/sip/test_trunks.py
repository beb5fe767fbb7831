"""Trunks as data: what the settings may say, and which trunk a request comes by."""

import pytest

from telebank.sip.trunks import LOOPBACK, TrunkOptions, Trunks, peer_of
from telebank.sip.uri import Hop

CARRIER = TrunkOptions(addresses=("192.0.2.0/28", "2001:db8:1::/48"))
SBC = TrunkOptions(addresses=("192.0.2.5",), transports=("tcp", "tls"))
SHOWN = TrunkOptions(certificates=("sbc.carrier.example",), transports=("tls",))
BOTH = TrunkOptions(certificates=("two.example",), addresses=("198.51.100.0/24",))
TRUNKS = Trunks({"carrier": CARRIER, "sbc": SBC, "shown": SHOWN, "both": BOTH})


@pytest.mark.parametrize(
    ("source", "names", "trunk"),
    [
        (Hop("127.0.0.9", 5060), (), LOOPBACK),
        (Hop("::1", 5060, "tcp"), (), LOOPBACK),
        (Hop("192.0.2.1", 1), (), "carrier"),
        (Hop("192.0.2.15", 1, "tls"), (), "carrier"),
        (Hop("192.0.2.16", 1), (), None),
        (Hop("192.0.2.5", 1), (), "carrier"),  # the narrower trunk is not reached over UDP
        (Hop("192.0.2.5", 1, "tcp"), (), "sbc"),
        (Hop("2001:db8:1:2::3", 1), (), "carrier"),
        (Hop("2001:db8:2::3", 1), (), None),
        (Hop("::ffff:192.0.2.1", 1), (), "carrier"),
        (Hop("fe80::1%eth0", 1), (), None),
        (Hop("203.0.113.9", 1, "tls"), ("other.example", "sbc.carrier.example"), "shown"),
        (Hop("203.0.113.9", 1, "tls"), ("sbc.carrier.example.evil",), None),
        (Hop("203.0.113.9", 1, "tcp"), ("sbc.carrier.example",), None),
        (Hop("198.51.100.7", 1, "tls"), ("two.example",), "both"),
        (Hop("203.0.113.9", 1, "tls"), ("two.example",), None),  # from elsewhere
        (Hop("198.51.100.7", 1, "tls"), (), None),  # its address alone is not enough
        (Hop("nonsense", 1), (), None),
    ],
)
def test_the_trunk_of_a_source(source: Hop, names: tuple[str, ...], trunk: str | None) -> None:
    for _ in range(2):  # the second time from memory
        found = TRUNKS.of(source, names)
        assert (found.name if found is not None else None) == trunk


def test_what_is_kept_in_mind_of_addresses_is_bounded() -> None:
    trunks = Trunks({"all": TrunkOptions(addresses=("10.0.0.0/8",))})
    for nth in range(10_000):
        assert trunks.of(Hop(f"10.0.{nth >> 8}.{nth & 255}", 1)) is not None
    assert len(trunks._known) <= 4_096


def test_which_numbers_a_trunk_may_call() -> None:
    (narrow, wide) = (TrunkOptions(numbers=("95588", "9000*")), TrunkOptions())
    trunks = Trunks({"narrow": narrow, "wide": wide})
    asked = ("95588", "955881", "90001", "900", "")
    assert [trunks.by_name["narrow"].takes(number) for number in asked] == [
        *(True, False, True, False, False)
    ]
    assert all(trunks.by_name["wide"].takes(number) for number in asked)


@pytest.mark.parametrize(
    ("text", "hop"),
    [
        ("192.0.2.1:5060", Hop("192.0.2.1", 5060)),
        ("tcp:192.0.2.1:5080", Hop("192.0.2.1", 5080, "tcp")),
        ("tls:[2001:DB8::1]:5061", Hop("2001:db8::1", 5061, "tls")),
    ],
)
def test_peers(text: str, hop: Hop) -> None:
    assert peer_of(text) == hop


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"addresses": ("192.0.2.1/24",)}, "give 192.0.2.0/24, or 192.0.2.1 alone"),
        ({"addresses": ("sbc.example",)}, "no address"),
        ({"peers": ("sbc.example:5060",)}, "give address:port"),
        ({"peers": ("2001:db8::1:5060",)}, "for IPv6"),
        ({"peers": ("192.0.2.1:0",)}, "give address:port"),
        ({"peers": ("192.0.2.1",)}, "give address:port"),
        ({"methods": ("invite",)}, "capital letters"),
        ({"codecs": ()}, "one or more"),
        ({"codecs": ("PCMA", "PCMA")}, "each once"),
        ({"ptime_ms": 25}, "10, 20, 30, 40, 60"),
        ({"user": "bank"}, "all three or none"),
        ({"challenge": True}, "challenge needs"),
        ({"md5_only": True}, "challenge = true"),
        ({"calls_out": -1}, "0 or more"),
        ({"health_s": 0.5}, "1 to 3600"),
        ({"health_misses": 0}, "1 or more"),
        ({"certificates": ("a.example",), "transports": ("udp",)}, "over tls"),
        ({"tariff": {"010*": "free"}}, "0.12"),
        ({"spend_daily": "-1"}, "500.00"),
        ({"numbers": ("955 88",)}, "numbers"),
        ({"addresses": ("192.0.2.1",) * 65}, "at most 64"),
    ],
)
def test_settings_that_cannot_be_used_say_what_to_do(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TrunkOptions(**wrong)  # type: ignore[arg-type]


def test_a_network_is_of_one_trunk_alone() -> None:
    with pytest.raises(ValueError, match="trunks carrier and other both have"):
        Trunks({"carrier": CARRIER, "other": TrunkOptions(addresses=("192.0.2.0/28",))})


@pytest.mark.parametrize("name", ["", "Carrier", "a b", "strangers", "x" * 33])
def test_names_of_trunks(name: str) -> None:
    with pytest.raises(ValueError, match="make a name"):
        Trunks({name: TrunkOptions()})


def test_this_machine_is_a_trunk_that_settings_may_narrow() -> None:
    trunks = Trunks({"loopback": TrunkOptions(addresses=("127.0.0.1",), calls_in=3)})
    assert trunks.of(Hop("127.0.0.2", 1)) is None
    found = trunks.of(Hop("127.0.0.1", 1))
    assert found is not None
    assert found.options.calls_in == 3
