"""A bank's profile says only what is different; what is wrong is told where it stands."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from support.iso8583_kit import ROOT, tb87

HOSTS = ROOT / "config" / "hosts"
HEAD = "schema: 1\nextends: {base}\nprofile: {name}\nversion: 3\n"


def write(folder: Path, rows: str = "", name: str = "ourbank", base: str = "tb87") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(HEAD.format(base=base, name=name) + rows, encoding="utf-8")
    return path


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    rows = """\
bin_digits: 8
fields:
  42: {name: Shop}
  63: ~
tags:
  48:
    "02": {show: masked}
    "90": {name: branch, show: clear}
  55: ~
services:
  card.report_loss: ~
  card.balance:
    timeout_s: 5
    request: {48: {branch: "0001"}, 49: ~}
codes:
  "51": {reason: no_money}
match:
  default: {key: [41, 11, 37]}
reversal: {tombstones: false}
"""
    ours, theirs = load_profile(write(tmp_path, rows), HOSTS), tb87()
    assert (ours.name, ours.version, ours.bin_digits) == ("ourbank", 3, 8)
    assert (ours.fields[42].name, ours.fields[42].size) == ("Shop", 15)
    assert 63 not in ours.fields
    assert not ours.fields[55].tags
    assert ours.fields[48].tags["02"].show == "masked"
    assert {*ours.fields[48].tags} == {*theirs.fields[48].tags, "90"}
    assert {*theirs.services} - {*ours.services} == {"card.report_loss"}
    balance = ours.services["card.balance"]
    assert (balance.timeout_s, balance.mti) == (5.0, "0200")
    assert {*balance.request} == {2, 3, 48}
    assert ours.meaning("51").reason == "no_money"
    assert (ours.match["default"].key, ours.match["default"].agree) == (
        (41, 11, 37),
        (3, 4, 13, 49),
    )
    assert (ours.reversal.tombstones, ours.reversal.stan) == (False, "original")
    assert (ours.wire, ours.network, ours.totals) == (theirs.wire, theirs.network, theirs.totals)


def test_the_example_of_the_documents(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(# DATA/config.*?)```", text, re.DOTALL)
    assert example is not None
    path = tmp_path / "ourbank.yaml"
    path.write_text(example[1], encoding="utf-8")
    ours = load_profile(path, HOSTS)
    assert (ours.frame.form, ours.services["card.balance"].timeout_s) == ("ascii", 5.0)
    path.write_text(example[1].replace("{name: branch", "{nane: branch"), encoding="utf-8")
    with pytest.raises(ProfileError, match=r":13:12: .* needs 'name'; is 'nane' meant"):
        load_profile(path, HOSTS)


def test_rows_laid_over_are_valid_by_the_schema_too() -> None:
    schema = json.loads((ROOT / "config" / "schema" / "host-profile.schema.json").read_text())
    rows = YAML(typ="safe").load(OVER)
    spoilt = {**rows, "pin": {"format": 1}}
    told = [list(Draft202012Validator(schema).iter_errors(_plain(one))) for one in (rows, spoilt)]
    assert told[0] == []
    assert told[1]


def _plain(value: Any) -> Any:
    """With keys as text, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return value


OVER = """\
schema: 1
extends: tb87
profile: ourbank
version: 1
pin: {format: 4}
wire: {frame: {form: bcd, counts_itself: true, max: 2000}, tpdu: {use: required}}
mac: {algorithm: x9.19, exempt: ["0800", "0810"]}
fields: {52: {is: b16}, 63: ~}
tags:
  61: {"04": {name: branch}, "03": ~}
  48:
    "90": {name: address, inside: {form: fixed, street: {size: 20}, house: {size: 4, pad: zero}}}
  55: {"E1": {name: group, inside: {form: ber, "82": {name: profile}}}}
balances: {available: "20"}
common: {24: "047", 48: {address.street: "x"}, 25: ~}
services: {card.balance: {processing_code: "300000"}, card.report_loss: ~}
codes: {"82": {class: decline}, "05": ~}
match: {"0200/310000": {key: [41, 11], agree: [3]}}
key_change: {keys: {TAK: mak}}
totals: {currencies: [CNY, HKD]}
host_file: ~
"""


def test_every_section_can_be_laid_over(tmp_path: Path) -> None:
    path = tmp_path / "ourbank.yaml"
    path.write_text(OVER, encoding="utf-8")
    ours = load_profile(path, HOSTS)
    assert ours.fields[52].size == 16
    assert ours.fields[48].path_of("address.house") == ("90", "house")
    assert ours.fields[55].path_of("group.profile") == ("E1", "82")
    assert ours.host_file is None


def test_test_hosts_are_made_by_their_own_file_only(tmp_path: Path) -> None:
    assert tb87().test
    assert not load_profile(write(tmp_path), HOSTS).test
    assert load_profile(write(tmp_path, "test: true\n"), HOSTS).test


def test_a_profile_beside_it_comes_before_a_shipped_one(tmp_path: Path) -> None:
    shipped = (HOSTS / "tb87.yaml").read_text(encoding="utf-8")
    (tmp_path / "tb87.yaml").write_text(shipped.replace("late_window_s: 60", "late_window_s: 77"))
    assert load_profile(write(tmp_path), HOSTS).reversal.late_window_s == 77
    second = write(tmp_path, "reversal: {stan: new}\n", "branch", "ourbank")
    third = load_profile(second, HOSTS)
    assert (third.reversal.stan, third.reversal.late_window_s) == ("new", 77)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("codez: {}\n", "ourbank.yaml:5:1: unknown key 'codez'; remove or correct it"),
        ("wire: {frame: {sise: 4}}\n", "ourbank.yaml:5:16: wire.frame: unknown key 'sise'"),
        ("services:\n  card.balance: {mti: 200}\n", "ourbank.yaml:6:18: services.card.balance"),
        ("tags:\n  48: {'05': {name: identity}}\n", "tags.48: two tags have one name"),
        ("fields:\n  49: ~\n", "tb87.yaml:"),
        ("services:\n  card.balances: ~\n", "ourbank.yaml:6:3: no row 'card.balances' here"),
        ("mac: {algorithm: x919}\n", "ourbank.yaml:5:7: mac: 'algorithm' must be one of"),
        ("wire: binary\n", "ourbank.yaml:5:1: wire must be a mapping"),
        ("a: &a [1\n", "ourbank.yaml:"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(said)):
        load_profile(write(tmp_path, rows), HOSTS)


def test_a_fault_of_the_other_file_names_that_file(tmp_path: Path) -> None:
    write(tmp_path, "reversal: {stan: old}\n", "middle")
    with pytest.raises(ProfileError, match=r"middle\.yaml:5:12: reversal: 'stan' must be one of"):
        load_profile(write(tmp_path, "", "ourbank", "middle"), HOSTS)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("nobody", "2:1: there is no nobody.yaml in"),
        ("../tb87", "2:1: 'extends' is the name of a profile"),
        ("[tb87]", "2:1: 'extends' is the name of a profile"),
        ("~", "2:1: 'extends' is the name of a profile"),
        ("ourbank", "2:1: ourbank extends this profile; one of them must stand alone"),
    ],
)
def test_what_can_be_extended(tmp_path: Path, base: str, said: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(said)):
        load_profile(write(tmp_path, base=base), HOSTS)


def test_circles_and_towers_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "", "one", "two")
    with pytest.raises(ProfileError, match=r"one\.yaml:2:1: two extends this profile"):
        load_profile(write(tmp_path, "", "two", "one"), HOSTS)
    for number in range(5):
        write(tmp_path, "", f"level{number}", f"level{number + 1}" if number < 4 else "tb87")
    with pytest.raises(ProfileError, match="more than 4 profiles one over the other"):
        load_profile(tmp_path / "level0.yaml", HOSTS)


def test_deep_or_endless_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("{a: " * 20 + "1" + "}" * 20)
    with pytest.raises(ProfileError, match="deeper than 12"):
        load_profile(path)
    rows = ["a0: &a0 {x: 1, y: 2, z: 3}"]
    rows += [f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}, r: *a{n - 1}}}" for n in range(1, 11)]
    path.write_text("\n".join(rows))
    with pytest.raises(ProfileError, match="more than 20000 rows"):
        load_profile(path)
