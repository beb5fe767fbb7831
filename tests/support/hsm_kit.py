"""Security modules for tests: software in a folder, SoftHSM in a token of the tests' own."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from core_adapters.hsm.entry import ComponentEntry
from core_adapters.hsm.kinds import Algorithm, KeyInfo, KeySpec, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.primitives import check_digits, xor
from transactions.card import CardNumber

CARD = CardNumber("6227001234567890126")
OTHER_CARD = CardNumber("9900001234567894")
PIN = "739104628357"
LABEL, TOKEN_PIN = "telebank-test", "48151623"

LIBRARIES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)


@dataclass(frozen=True)
class SoftToken:
    """An initialised SoftHSM token; its folder is named by SOFTHSM2_CONF."""

    library: str
    label: str
    pin: str
    pin_file: Path


def softhsm_library() -> str:
    """The library; fails the test with the name of the package where it is not installed."""
    found = next((str(path) for path in LIBRARIES if path.exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        pytest.fail("needs SoftHSM: apt-get install softhsm2", pytrace=False)
    return found


def make_token(folder: Path, library: str) -> SoftToken:
    """Point SoftHSM at `folder` and initialise a token there."""
    (folder / "tokens").mkdir(parents=True)
    conf = folder / "softhsm2.conf"
    conf.write_text(
        f"directories.tokendir = {folder / 'tokens'}\n"
        "objectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(conf)
    pins = ["--pin", TOKEN_PIN, "--so-pin", "11112222"]
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", LABEL, *pins],
        check=True,
        capture_output=True,
    )
    pin_file = folder / "token.pin"
    pin_file.touch(mode=0o600)
    pin_file.write_text(TOKEN_PIN + "\n")
    return SoftToken(library, LABEL, TOKEN_PIN, pin_file)


@functools.cache
def shared_token(library: str) -> SoftToken:
    """The one token of this process: a library is initialised once, with one folder."""
    folder = tempfile.mkdtemp(prefix="softhsm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_token(Path(folder), library)


def components(algorithm: Algorithm, key: bytes) -> tuple[bytes, bytes]:
    """Two components of `key`; the first is arbitrary."""
    first = bytes((index * 37 + 11) % 251 for index in range(algorithm.key_bytes))
    return first, xor(first, key)


def load(
    module: Module,
    name: str,
    usage: Usage,
    algorithm: Algorithm,
    key: bytes,
    *,
    exportable: bool = False,
    rotate: bool = False,
) -> KeyInfo:
    """Put known key material into a module, the way two custodians do."""
    spec = KeySpec(name, usage, algorithm, exportable)
    entry = ComponentEntry(spec)
    for who, part in zip(("li", "wang"), components(algorithm, key), strict=True):
        kcv = check_digits(algorithm, part, entry.method).hex()[:6]
        entry.offer(who, part.hex(), kcv)
    return module.enter(entry, rotate=rotate)
