"""The sealed files: tampering, permissions, two processes, and what survives."""

import json
from pathlib import Path

import pytest

from core_adapters.hsm.errors import KeyRefusedError, UnknownKeyError
from core_adapters.hsm.kinds import Algorithm, KeySpec, KeyState, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software

MAC = KeySpec("tb87.mak", Usage.MAC, Algorithm.AES128)
PIN = KeySpec("tb87.zpk", Usage.PIN, Algorithm.TDES2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    module = open_software(tmp_path / "keys", create=True)
    module.generate(MAC)
    module.generate(MAC, rotate=True)
    module.generate(PIN)
    module.close()
    return tmp_path / "keys"


def test_keys_survive_and_files_are_private(folder: Path) -> None:
    first = open_software(folder)
    mac = first.mac(MAC.name, b"text")
    first.close()
    assert open_software(folder).verify_mac(MAC.name, b"text", mac)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o077 == 0


def test_a_closed_module_does_nothing(folder: Path) -> None:
    module = open_software(folder)
    module.mac(MAC.name, b"text")
    module.close()
    with pytest.raises(UnknownKeyError):
        module.mac(MAC.name, b"text")


@pytest.mark.parametrize("file", ["module.keys", "module.master"])
def test_files_that_others_may_read_are_refused(folder: Path, file: str) -> None:
    (folder / file).chmod(0o640)
    with pytest.raises(KeyRefusedError, match="chmod 600"):
        open_software(folder)


def test_every_changed_byte_of_the_key_file_is_refused(folder: Path) -> None:
    path = folder / "module.keys"
    clean = path.read_bytes()
    for at in range(len(clean)):
        changed = clean[:at] + bytes([clean[at] ^ 1]) + clean[at + 1 :]
        path.write_bytes(changed)
        with pytest.raises(KeyRefusedError, match=r"restore|format"):
            open_software(folder)
    path.write_bytes(clean)
    assert not open_software(folder).faults()


def test_every_truncation_is_refused(folder: Path) -> None:
    path = folder / "module.keys"
    clean = path.read_bytes()
    for length in range(0, len(clean) - 2, 7):
        path.write_bytes(clean[:length])
        with pytest.raises(KeyRefusedError):
            open_software(folder)


def _edit(folder: Path, change: object) -> None:
    path = folder / "module.keys"
    document = json.loads(path.read_text())
    change(document["keys"])  # type: ignore[operator]
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        lambda keys: keys.pop(),
        lambda keys: keys.append(keys[0]),
        lambda keys: keys.reverse(),
        lambda keys: keys[0].update(usage="pin"),
        lambda keys: keys[0].update(name="tb87.zpk"),
        lambda keys: keys[0].update(version=3),
        lambda keys: keys[0].update(exportable=True),
        lambda keys: keys[0].update(retired=True),
        lambda keys: keys[0].update(sealed=keys[1]["sealed"]),
        lambda keys: keys[0].update(kcv="000000"),
    ],
)
def test_entries_cannot_be_changed_moved_or_dropped(folder: Path, change: object) -> None:
    _edit(folder, change)
    with pytest.raises(KeyRefusedError, match="was changed"):
        open_software(folder)


def test_another_master_key_opens_nothing(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    open_software(other, create=True).close()
    with pytest.raises(KeyRefusedError, match="another master key"):
        open_software(folder, other / "module.master")
    (folder / "module.master").unlink()
    with pytest.raises(KeyRefusedError, match="missing"):
        open_software(folder, create=True)


def test_a_master_key_elsewhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    master = tmp_path / "credential"
    open_software(tmp_path / "keys", master, create=True).generate(MAC)
    assert not (tmp_path / "keys" / "module.master").exists()
    assert open_software(tmp_path / "keys", master).mac(MAC.name, b"")


def test_a_retired_key_is_gone_from_the_file(folder: Path) -> None:
    sealed = {k["version"]: k["sealed"] for k in _keys(folder) if k["name"] == MAC.name}
    module = open_software(folder)
    module.retire(MAC.name, 1)
    text = (folder / "module.keys").read_text()
    assert sealed[1] not in text
    assert sealed[2] in text
    states = [i.state for i in open_software(folder).list_keys() if i.spec == MAC]
    assert states == [KeyState.CURRENT, KeyState.RETIRED]


def _keys(folder: Path) -> list[dict[str, str]]:
    keys: list[dict[str, str]] = json.loads((folder / "module.keys").read_text())["keys"]
    return keys


def test_two_processes_change_one_file(folder: Path) -> None:
    node, operator = open_software(folder), open_software(folder)
    old = node.mac(MAC.name, b"text")
    operator.generate(MAC, rotate=True)
    # The operator's view is ahead; a change from behind is refused and nothing is lost.
    with pytest.raises(KeyRefusedError, match="another process"):
        node.generate(MAC, rotate=True)
    node.reload()
    assert node.mac(MAC.name, b"text") == operator.mac(MAC.name, b"text") != old
    assert node.verify_mac(MAC.name, b"text", old)
    assert node.generate(MAC, rotate=True).version == 4


def test_faults_are_named(folder: Path) -> None:
    module = open_software(folder)
    assert module.faults() == []
    entry = next(iter(module._store._entries))  # type: ignore[attr-defined]
    object.__setattr__(entry, "sealed", bytes(60))
    assert len(module.faults()) == 1
    assert MAC.name in module.faults()[0]


def test_an_empty_folder_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyRefusedError, match="no security module yet"):
        open_software(tmp_path)


def test_the_file_may_not_grow_without_end(folder: Path) -> None:
    (folder / "module.keys").write_text(" " * 2_000_000)
    with pytest.raises(KeyRefusedError, match="too large"):
        open_software(folder)


def test_repr_tells_places_only(folder: Path) -> None:
    module: Module = open_software(folder)
    assert str(folder) in repr(module)
