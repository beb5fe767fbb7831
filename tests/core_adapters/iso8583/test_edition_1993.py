"""One message of the 1993 version: byte for byte, and as pyiso8583 has it on its own."""

import json
import re
from pathlib import Path
from typing import Any

import iso8583
import pytest

from core_adapters.iso8583.checks import check_services
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.message import Message, reply_mti
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from support.iso8583_kit import ROOT, contracts

FOLDER = ROOT / "tests" / "vectors" / "iso8583-1993"
PROFILE = FOLDER / "profile.yaml"
VECTORS = json.loads((FOLDER / "messages.json").read_text(encoding="utf-8"))

A, B = {"data_enc": "ascii", "len_enc": "ascii"}, {"data_enc": "b", "len_enc": "ascii"}


def _spec() -> dict[str, dict[str, Any]]:
    """Written out for pyiso8583 from the standard, not made from the profile."""
    fixed = {3: 6, 4: 12, 7: 10, 11: 6, 12: 12, 22: 12, 24: 3, 25: 4, 26: 4, 28: 6, 30: 24, 37: 12}
    fixed |= {38: 6, 39: 3, 41: 8, 42: 15, 49: 3}
    long = {2: (2, 19), 32: (2, 11), 43: (2, 99), 54: (3, 120), 56: (2, 35), 102: (2, 28)}
    spec = {
        "h": B | {"len_type": 0, "max_len": 0, "desc": ""},
        "t": A | {"len_type": 0, "max_len": 4, "desc": ""},
        "p": B | {"len_type": 0, "max_len": 8, "desc": ""},
        "1": B | {"len_type": 0, "max_len": 8, "desc": ""},
    }
    spec |= {str(n): A | {"len_type": 0, "max_len": size, "desc": ""} for n, size in fixed.items()}
    for number, (digits, size) in long.items():
        spec[str(number)] = A | {"len_type": digits, "max_len": size, "desc": ""}
    return spec


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["what"])
def test_it_comes_and_goes_byte_for_byte(vector: dict[str, Any]) -> None:
    codec = Codec(load_profile(PROFILE))
    data = bytes.fromhex(vector["hex"])
    fields = {int(number): text for number, text in vector["fields"].items()}
    message = codec.decode(data)
    assert (message.mti, dict(message.fields)) == (vector["mti"], fields)
    assert codec.encode(Message(vector["mti"], fields)) == data
    theirs, _ = iso8583.encode({"t": vector["mti"], **vector["fields"]}, _spec())
    assert bytes(theirs) == data
    plain, _ = iso8583.decode(data, _spec())
    assert {n: plain[n] for n in vector["fields"]} == vector["fields"]


def test_its_codes_parts_and_mtis() -> None:
    profile = load_profile(PROFILE)
    codec = Codec(profile)
    assert profile.meaning("116", "card.balance").reason == "insufficient"
    assert profile.meaning("913").kind == "duplicate"
    request = next(one for one in VECTORS if one["mti"] == "1200")
    message = codec.decode(bytes.fromhex(request["hex"]))
    parts = codec.subfields(message, 43)
    assert (parts["city"].strip(), parts["country"]) == ("SHANGHAI", "CHN")
    assert codec.join(43, parts) == message.get(43)
    pairs = [("1100", "1110"), ("1200", "1210"), ("1421", "1430"), ("1804", "1814")]
    assert [reply_mti(mti) for mti, _ in pairs] == [reply for _, reply in pairs]
    assert "622700******0001" in codec.describe(message)


def test_a_gateway_does_not_speak_it() -> None:
    with pytest.raises(ProfileError, match="a gateway speaks edition 1987"):
        check_services(load_profile(PROFILE), contracts())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('mti: "1804"', 'mti: "0804"', "MTIs of edition 1993 begin with 1, and 0804 does not"),
        ('"116": {class', '"16": {class', 'three quoted digits, such as "116"'),
        ('{"116": insuff', '{"1A6": insuff', 'three quoted digits, such as "116"'),
    ],
)
def test_what_is_not_of_its_edition_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = PROFILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "spoilt.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProfileError, match=re.escape(said)):
        load_profile(path)
