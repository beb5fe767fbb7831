"""No key, component, PIN or card number in anything that is printed, raised, logged or stored."""

import contextlib
import logging
import secrets
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from core_adapters.hsm.entry import ComponentEntry
from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.hsm.kinds import Algorithm, KeySpec, PinFormat, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.primitives import odd_parity
from support.hsm_kit import CARD, OTHER_CARD, PIN, SoftToken, components, load
from transactions.secret import Secret

KEY = bytes(odd_parity(secrets.token_bytes(16)))
SALT = secrets.token_bytes(16)


def _forms(secret: bytes) -> list[bytes]:
    text = secret.hex()
    return [secret, text.encode(), text.upper().encode(), repr(secret).encode()]


def _needles() -> list[bytes]:
    first, second = components(Algorithm.TDES2, KEY)
    digits = [PIN.encode(), bytes.fromhex(PIN), CARD.digits.encode(), OTHER_CARD.digits.encode()]
    return [form for secret in (KEY, KEY[:8], first, second) for form in _forms(secret)] + digits


def _chain(error: BaseException | None) -> Iterator[str]:
    """Every text that a logger could dig out, context that `from None` hides included."""
    while error is not None:
        yield str(error) + repr(error.args)
        yield "".join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__


def _misuse(module: Module, name: str) -> Iterator[object]:
    """Everything that goes wrong with a key, a PIN and a card in hand."""
    pin, block = Secret(PIN), secrets.token_bytes(8)
    yield lambda: module.pin_block(name, Secret(PIN + PIN), CARD, PinFormat.ISO_0)
    yield lambda: module.pin_block(name, pin, CARD, PinFormat.ISO_4)
    yield lambda: module.pin_block(f"{name}.open", pin, CARD, PinFormat.ISO_0)
    yield lambda: module.open_pin(f"{name}.open", block, CARD, PinFormat.ISO_0)
    yield lambda: module.open_pin(f"{name}.open", block, CARD, PinFormat.ISO_3)
    good = module.pin_block(name, pin, CARD, PinFormat.ISO_0)
    yield lambda: module.open_pin(f"{name}.open", good, OTHER_CARD, PinFormat.ISO_0)
    yield lambda: module.open_pin(f"{name}.open", good, CARD, PinFormat.ISO_3)
    yield lambda: module.pin_verifier(name, pin, SALT)
    yield lambda: module.export_key(name, name)
    yield lambda: load(module, name, Usage.PIN, Algorithm.TDES2, KEY)
    first, second = components(Algorithm.TDES2, KEY)
    entry = ComponentEntry(KeySpec(f"{name}.new", Usage.PIN, Algorithm.TDES2))
    yield lambda: entry.offer("li", first.hex(), "000000")
    yield lambda: entry.offer("li", f"{second.hex()}z", "000000")
    yield lambda: entry


def test_nothing_is_told(
    module: Module, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    load(module, name, Usage.PIN, Algorithm.TDES2, KEY)
    load(module, f"{name}.open", Usage.PIN_OPEN, Algorithm.TDES2, KEY)
    seen: list[str] = [repr(module), repr(module.list_keys()), repr(vars(module))]
    refused = 0
    for misuse in _misuse(module, name):
        try:
            seen.append(repr(misuse()))  # type: ignore[operator]
        except SecurityModuleError as error:
            refused += 1
            seen += _chain(error)
    assert refused >= 10
    key = module._store.key(module.list_keys()[0])
    seen += [repr(key), caplog.text]
    text = "\n".join(seen).encode()
    assert not [needle for needle in _needles() if needle in text]


def test_no_file_holds_a_key(
    module: Module, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    load(module, name, Usage.PIN, Algorithm.TDES2, KEY, exportable=True)
    module.generate(KeySpec(f"{name}.kbpk", Usage.TRANSPORT, Algorithm.AES256))
    module.export_key(name, f"{name}.kbpk")
    folder = tmp_path
    if "token" in request.fixturenames or "pkcs11" in request.node.name:
        token: SoftToken = request.getfixturevalue("soft_token")
        folder = token.pin_file.parent
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not [needle for needle in _needles() if needle in content], path


def test_no_value_leaves_the_token(token: Module, name: str) -> None:
    """Even an exportable key's value cannot be read; the others cannot even be wrapped."""
    import pkcs11
    from pkcs11.exceptions import PKCS11Error

    from core_adapters.hsm.errors import ModuleAwayError

    info = load(token, name, Usage.MAC, Algorithm.TDES2, KEY, exportable=True)
    with token._store._token.session("look") as session:  # type: ignore[attr-defined]
        for label in (f"tb:{name}:1", f"tb:{name}:1:half"):
            found = session.find(label)
            with pytest.raises(PKCS11Error):
                found[pkcs11.Attribute.VALUE]
            assert found[pkcs11.Attribute.SENSITIVE]
    assert token._store.take(info) == KEY
    stay = token.generate(KeySpec(f"{name}.stay", Usage.MAC, Algorithm.AES128))
    with pytest.raises(ModuleAwayError, match="KeyUnextractable"):
        token._store.take(stay)


def test_wiped_secrets_are_not_kept(software: Module, name: str) -> None:
    pin = Secret(PIN)
    load(software, name, Usage.PIN, Algorithm.TDES2, KEY)
    software.pin_block(name, pin, CARD, PinFormat.ISO_0)
    pin.wipe()
    with contextlib.suppress(SecurityModuleError):
        software.pin_block(name, pin, CARD, PinFormat.ISO_0)
    software.close()
    assert PIN not in repr(vars(software._store))  # type: ignore[call-overload]
