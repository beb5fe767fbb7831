"""`telebank config check`: what it finds before a node is started."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from telebank.main import main

TLS = 'schema = 1\n[calls]\nlisten = "tls:127.0.0.1:5061"\n'


def _written(data: Path, text: str) -> Path:
    place = data / "config" / "telebank.toml"
    place.parent.mkdir()
    place.write_text(text)
    return data


def _checked(data: Path) -> tuple[int, str]:
    found = CliRunner().invoke(main, ["config", "check", "--data", str(data)])
    return found.exit_code, found.output


def test_shipped_settings_are_fine(tmp_path: Path) -> None:
    assert _checked(tmp_path) == (0, "settings are fine\n")


def test_a_folder_that_is_not_there_is_no_folder(tmp_path: Path) -> None:
    code, said = _checked(tmp_path / "varr")
    assert code == 1
    assert "there is no folder" in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TLS, "[calls] listen has tls:127.0.0.1:5061: give certificate and key in [sip_tls]"),
        (TLS + '[sip_tls]\ncertificate = "no.pem"\nkey = "no.key"\n', "no.pem: no such file"),
    ],
)
def test_tls_without_its_files(tmp_path: Path, text: str, why: str) -> None:
    code, said = _checked(_written(tmp_path, text))
    assert code == 1
    assert why in said


PEER = 'peers = ["192.0.2.1:5060"]\n'
MEANS_NOTHING = [
    ("[trunks.pbx]\n", "[trunks.pbx] has none of addresses, certificates and peers"),
    ('[trunks.pbx]\naddresses = ["192.0.2.1"]\nallow = ["1##########"]\n', "no peers to call"),
    (f'[trunks.pbx]\n{PEER}allow = ["010*"]\nspend_daily = "5.00"\n', "but no tariff"),
    (
        f'[trunks.pbx]\n{PEER}allow = ["010*", "1##########"]\nspend_daily = "5.00"\n'
        'tariff = {"010*" = "0.10", "13#########" = "0.12"}\n',
        "tariff has no price for all of '1##########'",
    ),
    ('[trunks.pbx]\naddresses = ["192.0.2.1"]\nnumbers = ["9558*8"]\n', "fits nothing"),
    ('[registrar]\nrealm = "bank"\nnetworks = []\n', "networks is empty"),
    (
        '[registrar]\nrealm = "bank"\nnetworks = ["10.0.0.0/8"]\nmd5_networks = ["11.1.0.0/16"]\n',
        "md5_networks has 11.1.0.0/16",
    ),
]


@pytest.mark.parametrize(("text", "why"), MEANS_NOTHING)
def test_settings_that_do_not_do_what_they_say(tmp_path: Path, text: str, why: str) -> None:
    code, said = _checked(_written(tmp_path, "schema = 1\n" + text))
    assert code == 1
    assert why in said
    assert "settings are fine" not in said


def test_prices_for_all_that_is_allowed_are_enough(tmp_path: Path) -> None:
    trunk = f'[trunks.pbx]\n{PEER}allow = ["010########", "13900000000"]\nspend_daily = "5.00"\n'
    tariff = 'tariff = {"010*" = "0.10", "1##########" = "0.12"}\n'
    assert _checked(_written(tmp_path, f"schema = 1\n{trunk}{tariff}"))[0] == 0


def test_a_trunk_that_is_the_whole_world_is_warned_of(tmp_path: Path) -> None:
    text = 'schema = 1\n[trunks.pbx]\naddresses = ["0.0.0.0/0"]\n'
    code, said = _checked(_written(tmp_path, text))
    assert code == 0
    assert "warning: [trunks.pbx] addresses has 0.0.0.0/0, the whole world" in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[trunks.pbx]\ncodecs = ["G729"]\n', """codecs has 'G729': give "PCMA" or "PCMU\""""),
        ('[sip_tls]\nclients = "maybe"\n', 'give "none" or "optional" or "required"'),
        ('[trunks.pbx]\naddresses = "192.0.2.1"\n', 'addresses: give a list, ["…"]'),
        ("[trunks.pbx.tariff]\n0 = 0.12\n", 'tariff: each value in it: give it in quotes, "…"'),
        ('[trunks.pbx]\naddresses = ["192.0.2.1/24"]\n', "give 192.0.2.0/24, or 192.0.2.1 alone"),
        ('[trunks.pbx]\npeers = ["sbc.example:5060"]\n', "an IP address and no name"),
        ("[registrar]\ncontacts = 0\n", "phones, contacts and sources are above 0"),
        ("[trunks.pbx]\nsetups_per_s = 0\n", "calls_in = 0 takes no calls at all"),
        ('[registrar]\nnetworks = ["everywhere"]\n', "networks: 'everywhere' is no address"),
    ],
)
def test_wrong_values_are_said_with_what_may_stand_there(
    tmp_path: Path, text: str, why: str
) -> None:
    code, said = _checked(_written(tmp_path, "schema = 1\n" + text))
    assert code == 1
    assert why in said
