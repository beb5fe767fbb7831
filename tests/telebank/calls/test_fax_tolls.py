"""May this number be dialled? The rules of [outbound], and the settings of faxes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from telebank.calls.faxes.options import FaxOptions, MailOptions, OutboundOptions
from telebank.calls.faxes.tolls import Arrivals, Refusal, Target, judge, limits
from telebank.settings import SettingsError, load_settings, trunk_accounts
from telebank.sip.digest import Account, Algorithm
from telebank.sip.trunks import TrunkOptions
from telebank.sip.uri import Hop
from telebank.store.fax_tolls import Toll

OPEN = OutboundOptions(
    gateway="192.0.2.9:5070",
    allow=(
        "010*",
        "95588",
        "88##",
        "sip:192.0.2.7",
        "sip:[2001:DB8::7]",
        "sip:192.0.2.9",
        "sip:192.0.2.8:5062",
    ),
    deny=("0109*", "sip:192.0.2.6"),
)


PLAN = OPEN.plan


def rule(text: str, options: OutboundOptions = OPEN, *, staff: bool = False) -> str:
    found = judge(options, text, staff=staff)
    return found.rule if isinstance(found, Refusal) else found.number


def test_nothing_goes_out_without_settings() -> None:
    assert rule("01088886666", OutboundOptions()) == "not_allowed"
    assert rule("01088886666", OutboundOptions(gateway="192.0.2.9")) == "not_allowed"
    assert rule("01088886666", OutboundOptions(allow=("010*",))) == "no_gateway"
    assert rule("sip:a@192.0.2.7", OutboundOptions(), staff=True) == "not_allowed"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("01088886666", "01088886666"),
        (" (010) 8888-6666 ", "01088886666"),
        ("95588", "95588"),
        ("955881", "not_allowed"),
        ("01098886666", "denied"),
        ("02088886666", "not_allowed"),
        ("+861088886666", "01088886666"),
        ("00861088886666", "01088886666"),
        ("+86 10 9888 6666", "denied"),
        ("+441088886666", "not_allowed"),
        ("0900123", "no_number"),
        ("01", "no_number"),
        ("010" + "8" * 9, "010888888888"),
        ("010" + "8" * 10, "no_number"),
        ("", "no_number"),
        ("010*", "no_number"),
        ("010;phone-context=x", "no_number"),
        ("01088886666@192.0.2.1", "no_number"),
        ("０１０８８８８６６６６", "01088886666"),  # as Chinese keyboards write them
        ("０１０９８８８６６６６", "denied"),
        ("٠١٠٨٨٨٨٦٦٦٦", "no_number"),  # digits of another kind
        ("0" * 200, "too_long"),
    ],
)
def test_numbers(text: str, found: str) -> None:
    assert rule(text) == found


def test_where_a_number_goes() -> None:
    found = judge(OPEN, "010-88886666", staff=False)
    assert found == Target(
        "01088886666", "sip:01088886666@192.0.2.9:5070", Hop("192.0.2.9", 5070), "010******66"
    )
    assert found.way == "number"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sip:fax@192.0.2.7", "sip:fax@192.0.2.7:5060"),
        ("SIP:Fax@192.0.2.7", "sip:fax@192.0.2.7:5060"),
        ("sip:fax@192.0.2.7:5060", "sip:fax@192.0.2.7:5060"),
        ("sip:192.0.2.7", "no_address"),
        ("sip:x@[2001:DB8::0:7]", "sip:x@[2001:db8::7]:5060"),
        ("sip:8820@192.0.2.7", "sip:8820@192.0.2.7:5060"),
        ("sip:82@192.0.2.7", "sip:82@192.0.2.7:5060"),
        ("sip:010-8888.6666@192.0.2.7", "sip:01088886666@192.0.2.7:5060"),
        ("sip:02088886666@192.0.2.7", "not_allowed"),
        ("sip:01098886666@192.0.2.7", "denied"),
        ("sip:010-9888-6666@192.0.2.7", "denied"),
        ("sip:008610-9888-6666@192.0.2.7", "denied"),
        ("sip:01_0_98886666@192.0.2.7", "no_number"),
        ("sip:0109@192.0.2.7", "no_number"),
        ("sip:110@192.0.2.7", "not_allowed"),
        ("sip:fax110@192.0.2.7", "sip:fax110@192.0.2.7:5060"),
        ("sip:" + "0" * 18 + "@192.0.2.7", "no_number"),
        ("sip:fax@192.0.2.9:5070", "is_gateway"),
        ("sip:01088886666@192.0.2.9:5070", "is_gateway"),
        ("sip:fax@192.0.2.7:5090", "sip:fax@192.0.2.7:5090"),
        ("sip:fax@192.0.2.8:5062", "sip:fax@192.0.2.8:5062"),
        ("sip:fax@192.0.2.8", "not_allowed"),
        ("sip:fax@192.0.2.6", "denied"),
        ("sip:fax@example.com", "no_address"),
        ("sips:fax@192.0.2.7", "no_address"),
        ("sip:fax@192.0.2.7;maddr=192.0.2.1", "no_address"),
        ("sip:fax@192.0.2.7?Route=x", "no_address"),
        ("sip:a b@192.0.2.7", "no_address"),
    ],
)
def test_addresses_are_for_staff(text: str, found: str) -> None:
    assert rule(text, staff=True) == found
    assert rule(text, staff=False) == "staff_only"


def test_an_address_is_masked_and_goes_to_its_host() -> None:
    found = judge(OPEN, "sip:01088886666@192.0.2.7:5090", staff=True)
    assert isinstance(found, Target)
    assert (found.destination, found.way) == (Hop("192.0.2.7", 5090), "uri")
    assert found.masked == "sip:010******66@192.0.2.7:5090"


def test_a_day_begins_at_midnight_of_the_bank() -> None:
    zone = timezone(timedelta(hours=8))
    found = limits(OPEN, datetime(2026, 3, 31, 17, 0, tzinfo=UTC), zone, 600)
    assert found.day_began == datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
    assert (found.calls_hourly, found.per_number_daily, found.call_s) == (30, 6, 600)


DAY, FREE = date(2026, 3, 31), 10**12


def why(refusal: Refusal | None) -> str:
    return "" if refusal is None else refusal.rule


@pytest.mark.parametrize(
    ("channels", "incoming", "most"), [(4, 2, 2), (4, 9, 3), (2, 2, 1), (1, 2, 1)]
)
def test_strangers_leave_a_channel_to_others(channels: int, incoming: int, most: int) -> None:
    come = Arrivals(FaxOptions(channels=channels, incoming=incoming))
    told = [why(come.begin(f"0{n}", FREE)) for n in range(most + 1)]
    assert told == [""] * most + ["incoming"]
    come.end()
    assert come.begin("0", FREE) is None


def test_strangers_have_so_many_calls_a_day() -> None:
    come = Arrivals(FaxOptions(incoming_daily=3, incoming_per_number_daily=2))

    def one(number: str) -> str:
        told = why(come.begin(number, FREE))
        if not told:
            come.end()
        return told

    come.count(DAY, {})
    assert [one("010") for _ in range(3)] == ["", "", "incoming_per_number_daily"]
    assert [one("020") for _ in range(2)] == ["", "incoming_daily"]
    come.count(DAY, {})  # the same day, asked for twice
    assert one("030") == "incoming_daily"
    come.count(DAY + timedelta(days=1), {"010": 1})
    assert [one("010") for _ in range(2)] == ["", "incoming_per_number_daily"]
    assert [one("020") for _ in range(2)] == ["", "incoming_daily"]


def test_a_disk_that_is_nearly_full_takes_no_fax_of_strangers() -> None:
    come = Arrivals(FaxOptions(free_mb=500))
    assert why(come.begin("010", 499_999_999)) == "free_mb"
    assert come.begin("010", 500_000_000) is None


def test_the_longest_pattern_says_whether_a_destination_has_t38() -> None:
    options = FaxOptions(t38_for={"010*": "never", "01088*": "peer"})
    numbers = ("01012345678", "01088886666", "02012345678")
    assert [options.t38_to(PLAN, n) for n in numbers] == ["never", "peer", "auto"]


@pytest.mark.parametrize("rule", ["0755*", "+86755*", "0086755*", "0755########"])
@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("075512345678", True),
        ("+8675512345678", True),
        ("0086 755 1234 5678", True),
        ("12345678", True),
        ("+75512345678", False),
        ("02012345678", False),
        ("", False),
        ("anonymous", False),
        ("sip:075512345678@192.0.2.7:5060", False),
    ],
)
def test_a_number_is_one_destination_however_it_is_written(
    rule: str, number: str, fits: bool
) -> None:
    plan = replace(OPEN, area_code="755").plan
    assert FaxOptions(t38_for={rule: "never"}).t38_to(plan, number) == ("never" if fits else "auto")


def test_one_number_is_more_than_all_that_begin_so() -> None:
    options = FaxOptions(t38_for={"01088886666*": "never", "01088886666": "peer", "010*": "never"})
    assert options.t38_to(PLAN, "+861088886666") == "peer"


@pytest.mark.parametrize(
    ("cls", "wrong"),
    [
        (FaxOptions, {"channels": 0}),
        (FaxOptions, {"tries": 11}),
        (FaxOptions, {"incoming": 0}),
        (FaxOptions, {"free_mb": -1}),
        (FaxOptions, {"ident": "x" * 21}),
        (FaxOptions, {"header": "招商"}),
        (FaxOptions, {"watchdog_s": 5}),
        (FaxOptions, {"keep_days": 0}),
        (FaxOptions, {"t38_for": {"all": "never"}}),
        (OutboundOptions, {"gateway": "trunk.example.com:5060"}),
        (OutboundOptions, {"gateway": "192.0.2.1:99999"}),
        (OutboundOptions, {"allow": ("*",)}),
        (OutboundOptions, {"allow": ("010x",)}),
        (OutboundOptions, {"allow": ("0#1",)}),
        (OutboundOptions, {"customer_daily": -1}),
        (OutboundOptions, {"country": ""}),
        (OutboundOptions, {"trunk_prefix": "+"}),
        (OutboundOptions, {"carriers": ("",)}),
        (OutboundOptions, {"national_min": 3}),
        (OutboundOptions, {"without_trunk": ("sip:192.0.2.7",)}),
        (OutboundOptions, {"caller": "bank"}),
        (OutboundOptions, {"calls_hourly": -1}),
        (MailOptions, {"host": "mail", "sender": "a@b"}),
        (MailOptions, {"sender": "nobody"}),
        (MailOptions, {"user": "u", "password_file": "p"}),
        (MailOptions, {"max_mb": 0}),
    ],
)
def test_settings_that_cannot_be(cls: type[Any], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(cls(), **wrong)


def test_the_settings_file_has_them(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    mine = tmp_path / "config" / "telebank.toml"
    mine.write_text(
        'schema = 1\n[fax]\nnumbers = ["95588"]\nt38_for = { "0755*" = "never" }\n'
        '[outbound]\nallow = ["010*"]\ngateway = "192.0.2.1:5060"\n'
    )
    found = load_settings(tmp_path)
    assert found.fax.numbers == ("95588",)
    assert found.fax.t38_to(found.outbound.plan, "+8675512345678") == "never"
    assert found.outbound.trunk == ("192.0.2.1", 5060)
    mine.write_text('schema = 1\n[fax]\nt38_for = { "0075" = "never" }\n')
    with pytest.raises(SettingsError, match=r"\[fax\] t38_for: '0075'"):
        load_settings(tmp_path)
    mine.write_text("schema = 1\n[fax]\nchanels = 3\n")
    with pytest.raises(SettingsError, match="did you mean 'channels'"):
        load_settings(tmp_path)


# Trunks that carry numbers

CARRIER = TrunkOptions(
    peers=("192.0.2.1:5060", "192.0.2.2:5060"),
    allow=("010*", "021*"),
    deny=("0108*",),
    caller="02095588",
    tariff={"0*": "0.12", "0107*": "0.3"},
    spend_daily="20",
    t38="never",
)
MOBILE = TrunkOptions(peers=("tls:[2001:db8::1]:5061",), allow=("1##########", "010*"))
ROUTED = OutboundOptions(allow=("010*", "021*", "13800000000")).over(
    {"carrier": CARRIER, "loopback": TrunkOptions(), "mobile": MOBILE}
)


def test_a_number_goes_over_the_first_trunk_that_has_it_and_costs_its_price() -> None:
    found = judge(ROUTED, "010-7888-6666", staff=False)
    assert isinstance(found, Target)
    assert (found.trunk, found.uri) == ("carrier", "sip:01078886666@192.0.2.1:5060")
    assert found.toll == Toll("carrier", 300, 20_000)
    assert (found.caller, found.t38) == ("02095588", "never")
    assert found.by(Hop("192.0.2.2", 5060)) == "sip:01078886666@192.0.2.2:5060"
    second = judge(ROUTED, "01088886666", staff=False)  # the first denies it
    assert isinstance(second, Target)
    assert second.uri == "sip:01088886666@[2001:db8::1]:5061;transport=tls"
    assert (second.trunk, second.toll) == ("mobile", Toll("mobile", 0, None))


def test_there_is_no_way_that_nobody_wrote() -> None:
    assert rule("13900000000", ROUTED) == "not_allowed"  # [outbound] has it not
    assert rule("13800000000", ROUTED) == "13800000000"
    alone = OutboundOptions(allow=("020*",)).over({"carrier": CARRIER})
    assert rule("02088886666", alone) == "no_gateway"  # and the trunk has this one not
    told = judge(alone, "02088886666", staff=False)
    assert isinstance(told, Refusal)
    assert told.why.startswith("no trunk has this number in its allow,")
    gateway = OutboundOptions(gateway="192.0.2.9", allow=("020*",)).over({"carrier": CARRIER})
    assert rule("02088886666", gateway) == "02088886666"


def test_a_number_that_a_trunk_denies_is_told_so() -> None:
    only = OutboundOptions(allow=("010*",)).over({"carrier": CARRIER})
    told = judge(only, "01088886666", staff=False)
    assert isinstance(told, Refusal)
    assert told.rule == "no_gateway"
    assert "[trunks.carrier] has this number in its allow, but its deny takes it" in told.why


def test_under_a_cap_a_number_needs_a_price() -> None:
    free = replace(CARRIER, tariff={"021*": "0.1"})
    assert rule("01011112222", OutboundOptions(allow=("0*",)).over({"carrier": free})) == "no_price"


def test_a_trunk_is_no_host_of_sip_addresses() -> None:
    open_host = OutboundOptions(allow=("010*", "sip:192.0.2.1:5060")).over({"carrier": CARRIER})
    assert rule("sip:02088886666@192.0.2.1:5060", open_host, staff=True) == "not_allowed"
    assert rule("sip:alice@192.0.2.1:5060", open_host, staff=True) == "is_gateway"


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ('allow = ["9"]', "is no number"),
        ('allow = ["sip:192.0.2.7"]', "is no number"),
        ('allow = ["010*"]\ntariff = {"x" = "1"}', "is no number"),
        ('colour = "red"', "unknown key 'colour'"),
        ('secret_file = "x"', "all three or none"),
        ('peers = ["carrier.example"]', "give address:port"),
    ],
)
def test_settings_of_trunks_that_cannot_be_used(tmp_path: Path, section: str, why: str) -> None:
    (tmp_path / "config").mkdir()
    peers = "" if "peers" in section else 'peers = ["192.0.2.1:5060"]\n'
    text = f"schema = 1\n[trunks.carrier]\n{peers}{section}\n"
    (tmp_path / "config" / "telebank.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=why) as raised:
        load_settings(tmp_path)
    assert "trunks" in str(raised.value)


def test_a_password_of_a_trunk_is_read_from_a_file_of_ours_alone(tmp_path: Path) -> None:
    trunk = TrunkOptions(realm="carrier", user="bank", secret_file="carrier", md5=True)
    with pytest.raises(SettingsError, match="secret_file"):
        trunk_accounts(tmp_path, {"carrier": trunk})
    (tmp_path / "keys").mkdir()
    path = tmp_path / "keys" / "carrier"
    path.write_text("s3cret\n", encoding="utf-8")
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        trunk_accounts(tmp_path, {"carrier": trunk})
    path.chmod(0o600)
    (account,) = trunk_accounts(tmp_path, {"carrier": trunk, "none": TrunkOptions()}).values()
    algorithms = (Algorithm.SHA_256, Algorithm.MD5)
    assert account == Account.of_password("bank", "carrier", "s3cret", algorithms)
    assert "s3cret" not in repr(account)
