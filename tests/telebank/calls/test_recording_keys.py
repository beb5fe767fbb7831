"""Keys of recordings: wrapped by the keyring, also by one rotated since."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from telebank.calls.recording_keys import new_key, unwrap
from telebank.media.recording import Header, Recording, check
from telebank.media.sealed import SealError
from telebank.store.sealing import Keyring


def test_a_recording_opens_with_the_keyring_alone(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path / "keys")
    key, other = new_key(keyring), new_key(keyring)
    assert key.plain != other.plain
    assert key.plain.hex() not in key.wrapped + repr(key)
    path = tmp_path / "call.rec"
    recording = Recording(path, key.plain, Header(key.wrapped, "2026-11-23T01:02:03Z"))
    recording.add(0, np.zeros((8_000, 2), np.int16))
    recording.finish()
    rotated = Keyring.rotate(tmp_path / "keys")
    assert check(path, partial(unwrap, rotated)).seconds == 1.0
    stranger = Keyring.create(tmp_path / "others")
    with pytest.raises(SealError, match="unwrapped"):
        check(path, partial(unwrap, stranger))


@pytest.mark.parametrize("wrapped", ["", "k1", "k1:", "k1:&&", "k9:QUJD", "k1:" + "QUJD" * 20])
def test_what_is_no_wrapped_key_is_refused(tmp_path: Path, wrapped: str) -> None:
    with pytest.raises(SealError, match="unwrapped"):
        unwrap(Keyring.create(tmp_path), wrapped)
