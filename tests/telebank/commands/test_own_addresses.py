"""What a machine sends to an address of its own is that machine's."""

from pathlib import Path

import pytest

from telebank.calls.endpoint import reachable_address
from telebank.commands.wiring.trunks import trunks_of
from telebank.settings import load_settings
from telebank.sip.trunks import LOOPBACK
from telebank.sip.uri import Hop

OWN = reachable_address("0.0.0.0")
LISTEN = '[calls]\nlisten = "0.0.0.0:5060"\n'


@pytest.mark.parametrize(
    ("written", "trunk"),
    [
        ("", LOOPBACK),
        (f'[trunks.pbx]\naddresses = ["{OWN}"]\n', "pbx"),
        ('[trunks.loopback]\naddresses = ["192.0.2.77"]\n', None),
    ],
)
def test_own_addresses(tmp_path: Path, written: str, trunk: str | None) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "telebank.toml").write_text(f"schema = 1\n{LISTEN}{written}")
    trunks = trunks_of(tmp_path, load_settings(tmp_path))
    found = trunks.of(Hop(OWN, 5060))
    assert (found.name if found is not None else None) == trunk
    assert trunks.of(Hop("198.51.100.7", 5060)) is None
