"""Settings of a bank of several nodes, and what `telebank serve` says where a node does not fit."""

from pathlib import Path

import pytest

from support.store_kit import open_store
from telebank.commands.serve import UNUSABLE, Place, running_node
from telebank.settings import SettingsError, load_settings


def _configured(data: Path, *lines: str) -> Path:
    folder = data / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "telebank.toml").write_text("\n".join(["schema = 1", "[node]", *lines]))
    return data


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (['id = "02"'], "node.id is 02 and node.of is 1"),
        (['id = "00"', "of = 2"], "node.id is 00"),
        (['id = "03"', "of = 2"], "ids are 01 to node.of"),
        (["of = 0"], "1 to 99 nodes"),
        (["of = 100"], "1 to 99 nodes"),
    ],
)
def test_an_id_beyond_the_number_of_nodes_is_refused(
    tmp_path: Path, lines: list[str], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint):
        load_settings(_configured(tmp_path, *lines))


def test_the_store_is_told_how_many_share_the_stans(tmp_path: Path) -> None:
    settings = load_settings(_configured(tmp_path, 'id = "02"', "of = 3"))
    assert (settings.node.id, settings.store.nodes) == ("02", 3)
    assert load_settings(tmp_path / "none").store.nodes == 1


async def test_serve_says_which_keys_to_copy(tmp_path: Path) -> None:
    async with open_store(tmp_path, keys_at=tmp_path / "elsewhere"):
        pass
    settings = load_settings(tmp_path, {"calls": {"listen": "127.0.0.1:0"}})
    with pytest.raises(UNUSABLE, match=r"Copy token\.key, seal-\*\.key and seal-current"):
        async with running_node(settings, Place(tmp_path)):
            pass
