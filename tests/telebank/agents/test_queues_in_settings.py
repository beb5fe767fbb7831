"""Where queues are found, and what a file that cannot be used is told."""

from pathlib import Path

import pytest

from telebank.settings import SettingsError, load_settings

OWN = "schema: 1\nqueues: {cards: {zh: 银行卡, en: Cards, skills: [general]}}\n"


def written(data: Path, text: str) -> Path:
    path = data / "config" / "queues.yaml"
    path.parent.mkdir()
    path.write_bytes(text.encode())
    return path


def test_the_shipped_queues_hold_until_the_bank_has_its_own(tmp_path: Path) -> None:
    shipped = {queue.name for queue in load_settings(tmp_path).queues.queues}
    assert {"general", "loss", "difficult"} <= shipped
    written(tmp_path, OWN)
    assert [queue.name for queue in load_settings(tmp_path).queues.queues] == ["cards"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema: 2", "must begin with `schema: 1`"),
        ("schema: [", "not YAML"),
        (OWN.replace("skills", "skill"), "queues.cards: skills is missing"),
        (OWN.replace("en: Cards", "en: Cards, mots: 3"), "queues.cards: unknown key 'mots'; did"),
    ],
)
def test_a_wrong_file_is_an_error_of_settings_that_names_it(
    tmp_path: Path, text: str, told: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)
    assert str(error.value).startswith(f"{path}: {told}")
