"""Keys and sealed numbers at rest."""

from dataclasses import replace
from pathlib import Path

import pytest

from support.store_kit import PAYEE, PAYER
from telebank.store import key_files
from telebank.store.errors import KeyFileError
from telebank.store.sealing import Keyring
from transactions.card import CardNumberError


def test_sealed_numbers_open_again_and_never_look_alike(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path / "keys")
    first, second = keys.seal(PAYER), keys.seal(PAYER)
    assert keys.unseal(first) == keys.unseal(second) == PAYER
    assert first.ciphertext != second.ciphertext
    assert first.token == second.token == keys.token(PAYER)
    assert first.token != keys.token(PAYEE)
    assert first.masked == PAYER.masked
    assert PAYER.digits.encode() not in first.ciphertext


@pytest.mark.parametrize("index", [0, 11, 12, 20, -1])
def test_a_changed_byte_is_seen(tmp_path: Path, index: int) -> None:
    keys = Keyring.create(tmp_path / "keys")
    sealed = keys.seal(PAYER)
    body = bytearray(sealed.ciphertext)
    body[index] ^= 1
    with pytest.raises(CardNumberError):
        keys.unseal(replace(sealed, ciphertext=bytes(body)))


def test_a_text_cut_short_is_seen(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path / "keys")
    sealed = keys.seal(PAYER)
    for length in range(len(sealed.ciphertext)):
        with pytest.raises(CardNumberError):
            keys.unseal(replace(sealed, ciphertext=sealed.ciphertext[:length]))


def test_rotation_opens_the_old_and_seals_with_the_new(tmp_path: Path) -> None:
    old = Keyring.create(tmp_path / "keys")
    sealed = old.seal(PAYER)
    new = Keyring.rotate(tmp_path / "keys")
    assert new.unseal(sealed) == PAYER
    assert new.token(PAYER) == old.token(PAYER)
    assert (sealed.key_id, new.seal(PAYER).key_id) == ("k1", "k2")
    assert old.unseal(new.seal(PAYER)) == PAYER, "another process rotated: the folder is read again"
    assert old.current == "k2"
    unknown = replace(sealed, key_id="k9")
    with pytest.raises(CardNumberError, match="k9"):
        old.unseal(unknown)
    moved = replace(sealed, key_id="k2")
    with pytest.raises(CardNumberError):
        new.unseal(moved)


def test_a_retired_key_opens_and_never_seals_again(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    sealed = Keyring.create(folder).seal(PAYER)
    keys = Keyring.rotate(folder)
    files = key_files.seal_files(folder)
    assert (files["k1"].retired is None, files["k2"].retired is None) == (False, True)
    assert files["k1"].made is not None
    assert keys.unseal(sealed) == PAYER
    with pytest.raises(KeyFileError, match="k1 is retired"):
        key_files.promote(folder, "k1")
    (folder / "seal-current").write_text("k1\n")
    with pytest.raises(KeyFileError, match="retired key seals nothing"):
        Keyring.open(folder)
    with pytest.raises(KeyFileError, match="retired key seals nothing"):
        keys.reread()
    assert keys.seal(PAYER).key_id == "k2", "what runs goes on with the key it has"


def test_what_was_sealed_before_is_renewed_under_the_key_of_now(tmp_path: Path) -> None:
    sealed = Keyring.create(tmp_path / "keys").seal(PAYER)
    keys = Keyring.rotate(tmp_path / "keys")
    renewed = keys.renewed(sealed)
    assert (renewed.key_id, renewed.token, renewed.masked) == ("k2", sealed.token, sealed.masked)
    assert keys.unseal(renewed) == PAYER
    assert keys.renewed(renewed) is renewed


def test_a_rotation_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    Keyring.create(folder)
    (folder / "seal-current.new").write_text("k")
    assert key_files.prepare(folder) == "k2"
    assert key_files.prepare(folder) == "k2", "made and not used yet: no other is made"
    assert Keyring.open(folder).current == "k1"
    assert Keyring.rotate(folder).current == "k2"
    key_files.promote(folder, "k2")
    key_files.destroy(folder, "k1")
    key_files.destroy(folder, "k1")
    assert sorted(key_files.seal_files(folder)) == ["k2"]
    assert key_files.prepare(folder, above=4) == "k5", "a number that was used is not used again"


def test_files_are_for_the_owner_alone_and_loose_ones_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    Keyring.create(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["seal-current", "seal-k1.key", "token.key"]
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o640)
        with pytest.raises(KeyFileError, match="chmod 600"):
            Keyring.open(folder)
        path.chmod(0o600)
    Keyring.open(folder)


def test_keys_are_made_once(tmp_path: Path) -> None:
    first = Keyring.open_or_create(tmp_path / "keys")
    again = Keyring.open_or_create(tmp_path / "keys")
    assert again.unseal(first.seal(PAYER)) == PAYER
    with pytest.raises(KeyFileError, match="already"):
        Keyring.create(tmp_path / "keys")


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33])
def test_a_malformed_key_is_named(tmp_path: Path, text: str) -> None:
    Keyring.create(tmp_path / "keys")
    (tmp_path / "keys" / "token.key").write_text(text)
    with pytest.raises(KeyFileError, match=r"token\.key"):
        Keyring.open(tmp_path / "keys")


def test_missing_keys_are_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="no keys"):
        Keyring.open(tmp_path)
    Keyring.create(tmp_path / "keys")
    (tmp_path / "keys" / "seal-k1.key").unlink()
    with pytest.raises(KeyFileError, match=r"seal-k1\.key"):
        Keyring.open(tmp_path / "keys")
