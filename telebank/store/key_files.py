"""Key files of DATA/keys: 32 bytes in hexadecimal, mode 0600, and of a sealing key its dates.

`seal-<id>.key` has further lines `made TIME` and, once another key seals in its place, `retired
TIME`, both UTC in ISO 8601. `seal-current` has the id of the key that seals.
"""

import os
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from telebank.store.errors import KeyFileError

KEY_BYTES = 32
MAX_KEYS = 100
FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
CURRENT = "seal-current"
MADE, RETIRED = "made", "retired"
_ID = re.compile(r"[A-Za-z0-9]{1,16}")
_NUMBERED = re.compile(r"k([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class SealFile:
    """A sealing key as its file has it."""

    name: str
    """Its id: `k1`."""
    key: bytes = field(repr=False)
    made: datetime | None
    """None: by a program that did not write it."""
    retired: datetime | None
    """None: it seals, or is yet to."""


def file_of(directory: Path, name: str) -> Path:
    """The file of a sealing key."""
    return directory / f"seal-{name}.key"


def seal_files(directory: Path) -> dict[str, SealFile]:
    """Every sealing key by id; raises `KeyFileError`."""
    files = sorted(directory.glob("seal-*.key"))
    if len(files) > MAX_KEYS:
        raise KeyFileError(f"{directory} has more than {MAX_KEYS} sealing keys; destroy old ones")
    return {one.name: one for one in map(_seal_file, files)}


def current_of(directory: Path) -> str:
    """Id of the key that seals; raises `KeyFileError`."""
    if not (directory / CURRENT).exists():
        raise KeyFileError(f"no keys in {directory}; they are made at the first start")
    return _read(directory / CURRENT).strip()


def number_of(name: str) -> int:
    """Of `k7` the seven; 0 of an id that is not of our making."""
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found else 0


def make_first(directory: Path) -> None:
    """Look-up key and first sealing key of a new bank."""
    directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if (directory / CURRENT).exists():
        raise KeyFileError(f"{directory} has keys already; open them, or rotate")
    write_key(directory / "token.key", secrets.token_bytes(KEY_BYTES))
    _write_new(file_of(directory, "k1"), _text(secrets.token_bytes(KEY_BYTES)))
    _write_new(directory / CURRENT, "k1\n")


def prepare(directory: Path, above: int = 0) -> str:
    """Id of the key that is to seal next: one that lies there unused, or a new one of a number
    above every key there and `above`. Raises `KeyFileError`."""
    files, now = seal_files(directory), number_of(current_of(directory))
    unused = [name for name, one in files.items() if number_of(name) > now and not one.retired]
    if unused:
        return min(unused, key=number_of)
    name = f"k{max(above, now, *map(number_of, files)) + 1}"
    _write_new(file_of(directory, name), _text(secrets.token_bytes(KEY_BYTES)))
    return name


def promote(directory: Path, name: str) -> None:
    """Let a key that lies there seal from now on, and the one before it only open. Done twice it
    changes nothing the second time."""
    files, before = seal_files(directory), current_of(directory)
    if name not in files:
        raise KeyFileError(f"{file_of(directory, name)} is missing: copy or make it first")
    if files[name].retired:
        raise KeyFileError(f"key {name} is retired: a retired key seals nothing any more")
    _replace(directory / CURRENT, f"{name}\n")
    for one in files.values():
        older = one.name == before or number_of(one.name) < number_of(name)
        if older and one.name != name and one.retired is None:
            _replace(file_of(directory, one.name), _text(one.key, one.made, _now()))


def destroy(directory: Path, name: str) -> None:
    """Overwrite a key's file and remove it; where it is gone already nothing is done."""
    path = file_of(directory, name)
    if not path.exists():
        return
    with path.open("r+b") as file:
        file.write(b"0" * path.stat().st_size)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    _sync_folder(directory)


def write_key(path: Path, key: bytes) -> None:
    """A new key file, with no dates."""
    _write_new(path, key.hex() + "\n")


def read_key(path: Path) -> bytes:
    """The key of a file; raises `KeyFileError`."""
    return _lines(path)[0]


def _seal_file(path: Path) -> SealFile:
    key, dates = _lines(path)
    return SealFile(path.stem.removeprefix("seal-"), key, dates.get(MADE), dates.get(RETIRED))


def _lines(path: Path) -> tuple[bytes, dict[str, datetime]]:
    name = path.stem.removeprefix("seal-")
    if not _ID.fullmatch(name):
        raise KeyFileError(f"{path}: a key id is 1 to 16 letters and digits")
    first, *rest = _read(path).splitlines() or [""]
    try:
        key = bytes.fromhex(first.strip())
        said = dict(line.split(" ", 1) for line in rest if line.strip())
        dates = {word: datetime.fromisoformat(at) for word, at in said.items()}
    except ValueError:
        key, dates = b"", {}
    if len(key) != KEY_BYTES or not dates.keys() <= {MADE, RETIRED}:
        raise KeyFileError(f"{path} is not a key of {KEY_BYTES} bytes in hexadecimal; restore it")
    return key, dates


def _text(key: bytes, made: datetime | None = None, retired: datetime | None = None) -> str:
    """A sealing key's file; without dates it is made now."""
    dates = {MADE: made if retired else _now(), RETIRED: retired}
    lines = [f"{word} {at.isoformat()}" for word, at in dates.items() if at is not None]
    return "\n".join([key.hex(), *lines, ""])


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _read(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise KeyFileError(f"cannot read {path}: {why}") from error
    if mode & 0o077:
        raise KeyFileError(
            f"{path} can be read by others (mode {mode & 0o777:o}): chmod 600 {path}"
        )
    return text


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _replace(path: Path, text: str) -> None:
    """Whole or not at all; what a process that was killed left beside it is written over."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    _write_new(new, text)
    new.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
