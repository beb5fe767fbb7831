"""Profiles: what is shipped stands, and every complaint has file, line and what to do."""

import re
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from core_adapters.iso8583.checks import check_services
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from support.iso8583_kit import MAC, TB87, contracts, tb87

TEXT = TB87.read_text(encoding="utf-8")


def _changed(tmp_path: Path, old: str, new: str) -> Path:
    assert TEXT.count(old) >= 1
    path = tmp_path / "broken.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_shipped_profile_fits_the_shipped_contracts() -> None:
    check_services(tb87(), contracts())
    hosted = {n for n, s in contracts().services.items() if s.source == "host"}
    assert hosted <= set(tb87().services)


def test_time_outs_are_fifteen_seconds_for_money_and_eight_for_reads() -> None:
    for name, service in tb87().services.items():
        assert service.timeout_s == (8 if contracts()[name].effect == "read" else 15)


def test_default_masked_fields() -> None:
    shows = {number: spec.show for number, spec in tb87().fields.items()}
    assert shows[2] == "pan"
    assert all(shows[n] == "never" for n in (35, 36, 45, 52))
    assert all(shows[n] == "masked" for n in (48, 53, 55, 60, 61, 62, 63, 102, 103, 120))


def test_a_pin_block_and_tracks_are_never_kept_in_a_reversal() -> None:
    assert not {22, 26, 35, 36, 45, 52, 53} & set(tb87().reversal.keep)


def test_services_are_found_by_their_messages() -> None:
    found = [
        ("0200", "310000", "card.balance"),
        ("0600", "910000", "pin.verify"),
        ("0302", None, "card.report_loss"),
        ("0323", None, "card.report_loss"),
    ]
    for mti, code, name in found:
        service = tb87().service_of(mti, code)
        assert service is not None
        assert service.name == name
    assert tb87().service_of("0200", "990000") is None


def test_codes_of_the_default_table() -> None:
    kinds = {code: tb87().meaning(code).kind for code in tb87().codes}
    assert kinds["00"] == "success"
    assert {c for c, k in kinds.items() if k == "unknown"} == {"06", "09", "22", "68", "91", "96"}
    assert (kinds["90"], kinds["94"]) == ("cutover", "duplicate")
    assert not tb87().meaning("ZZ").listed
    assert tb87().meaning("26", "card.report_loss").kind == "success"
    assert tb87().meaning("26").kind == "decline"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("schema: 1", "schema: 2", "must begin with `schema: 1`"),
        ("edition: 1987", "edition: 2003", "the editions of ISO 8583 known here are 1987, 1993"),
        ("bin_digits: 6", "bin_digits: 7", "may be shown: 6 or 8"),
        ("pin: {format: 0", "pin: {format: 1", "0, 3 or 4"),
        ("52: {name: PIN data, is: b8", "52: {name: PIN data, is: b16", "of format 0 is b8"),
        ("form: binary", "form: bcd8", "must be one of binary, bcd, ascii; did you mean 'bcd'"),
        ("form: binary, counts_itself: false, max: 8192", "form: bcd, max: 65535", "1 to 9997"),
        ("  carrier: 48", "  carrier: 65", "not among `fields`"),
        ("  block: key_block", "  block: key_blok", "did you mean 'key_block'"),
        ("  block: key_block", "  block: key_name", "needs `show: never`"),
        ("{MAK: mak,", "{MAK: mac,", "must be one of mak, zpk, kbpk; did you mean 'mak'"),
        ("currencies: [CNY", "currencies: [CNX", "no currency known here"),
        ("currencies: [CNY, USD,", "currencies: [CNY, CNY,", "each once"),
        ("    debits.count: 76", "    debit.count: 76", "did you mean 'debits.count'"),
        ("    fees: 84\n", "", "needs 'fees' beside 'fees_returned'"),
        ("    fees_returned: 82", "    fees_return: 82", "did you mean 'fees_returned'"),
        ('    50: "@currency"', '    50: "@curency"', "did you mean 'currency'"),
        ('  22: "@entry_mode"', '  22: "@reason"', "known are acquirer"),
        ("show: never, holds: pin_block", "show: masked, holds: pin_block", "PIN block needs"),
        ('"0302": {key', '"03O2": {key', "a row is default"),
        ("is: n6}", "is: q6}", "is not a notation"),
        ("show: pan}", "show: some}", "must be one of clear, pan, masked, never"),
        ("name: Processing code,", "nam: Processing code,", "needs 'name'"),
        ('"02": {name: reason', '"2": {name: reason', "two quoted digits"),
        ('"02": {name: reason', '"02": {name: identity', "two tags have one name"),
        ('  7: "@utc"', '  7: "@moon"', "known are acquirer"),
        ('  25: "08"', '  65: "08"', "not among `fields`"),
        ('mti: "0600"', "mti: 600", "must be a str; quote digits"),
        ('mti: "0600"', 'mti: "06"', "four quoted digits"),
        ("timeout_s: 8", "timeout_s: 0", "is seconds"),
        ("{identity: $identity", "{person: $identity", "is no subfield"),
        ("class: success", "class: good", "must be one of success"),
        ('"00": {class', '"000": {class', "two quoted characters"),
        ("key: [41, 11], agree: [3, 4, 13, 49]", "key: [41], agree: [3]", "needs field 11"),
        ("  keep: [2,", "  keep: [2, 52,", "never carries PIN or track data"),
        ("stan: original ", "stan: other ", "must be one of original, new"),
        ("frame: {size: 2", "frame: {size: 3", "size of a length header in binary is 2 or 4"),
        ('value: "6000010002"', 'value: "0000010002"', "ten hexadecimal digits"),
        ("algorithm: aes-cmac", "algorithm: md5", "must be one of aes-cmac, x9.19"),
        ("test: true", "tests: true", "unknown key 'tests'; remove or correct it; did you mean"),
        ("ref: 37", "ref: 65", "not among `fields`"),
        ("fee: 48.fee", "fee: fee", "use a field"),
        ("schema: 1", "schema: [1", "not YAML"),
    ],
)
def test_a_broken_profile_is_refused_with_file_and_line(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    path = _changed(tmp_path, old, new)
    with pytest.raises(ProfileError, match=re.escape(why)) as caught:
        load_profile(path)
    assert str(path) in str(caught.value)
    if why != "not YAML":
        number = int(re.search(r"\.yaml:(\d+):\d+:", str(caught.value))[1])  # type: ignore[index]
        line = path.read_text(encoding="utf-8").splitlines()[number - 1]
        first = TEXT.splitlines()
        changed = [n for n, text in enumerate(path.read_text().splitlines()) if text != first[n]]
        assert abs(number - 1 - changed[0]) <= 1 or line.strip().endswith(":")


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path / "none.yaml")
    huge = tmp_path / "huge.yaml"
    huge.write_text("#" * 1_000_001)
    with pytest.raises(ProfileError, match="larger than"):
        load_profile(huge)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("reply: {available: 54.available, ledger: 54.ledger}", "reply: {}", "'available'"),
        ("request: {2: $card, 49", "request: {2: $cart, 49", "$cart is no input"),
        ("52: $pin", "48: {identity: $pin}", "goes to field 52"),
        ("52: $pin", "52: $card", "goes to field 52"),
        ("  card.balance:\n    version: 1", "  card.balance:\n    version: 2", "version 2"),
        ("  card.balance:", "  card.balances:", "has no contract"),
        ('    repeat_mti: "0303"\n', "", "needs `repeat_mti`"),
        ("  card.balance:", "  payee.remove:", "no host is asked for it (source own"),
        ("  card.balance:", "  notice.next:", "no host is asked for it (source journal"),
        ("maker: $maker", "maker: $operator", "$operator is no input"),
    ],
)
def test_a_profile_that_does_not_fit_its_contracts(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    profile = load_profile(_changed(tmp_path, old, new))
    with pytest.raises(ProfileError, match=re.escape(why)):
        check_services(profile, contracts())


def _packed() -> Profile:
    wire = replace(tb87().wire, mti="bcd", numeric="bcd", lengths="bcd")
    return replace(tb87(), wire=wire)


def test_the_same_profile_packed_as_bcd() -> None:
    """The next step's variant costs four words of data: it must already come and go."""
    codec = Codec(_packed())
    fields = {2: "6227000000000001", 3: "310000", 22: "012", 32: "6227001", 49: "156"}
    fields |= {48: codec.join(48, {"identity": "4021"}), 41: "TB010001"}
    data = codec.encode(Message("0200", fields), MAC)
    assert data[:2] == b"\x02\x00"
    assert b"\x16\x62\x27" in data
    decoded = codec.decode(data)
    assert dict(decoded.fields) == fields
    assert codec.mac_ok(data, decoded, [MAC])


def test_an_exempt_message_needs_no_mac_and_others_do() -> None:
    codec = Codec(replace(tb87(), mac_exempt=frozenset({"0800"})))
    echo = Message("0800", MappingProxyType({70: "301"}))
    data = codec.encode(echo, MAC)
    assert codec.decode(data).mac == b""
    assert codec.mac_ok(data, codec.decode(data), [MAC])
    bare = codec.encode(Message("0200", {3: "310000"}))
    assert not codec.mac_ok(bare, codec.decode(bare), [MAC])
