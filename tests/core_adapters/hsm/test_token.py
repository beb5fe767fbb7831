"""What is special about a token: what it lacks, what a crash leaves, who is let in."""

import asyncio
import threading
from pathlib import Path

import pytest
from pkcs11 import Attribute, Mechanism, ObjectClass

from core_adapters.hsm.errors import (
    ModuleAwayError,
    ModuleBusyError,
    NotSupportedError,
    UnknownKeyError,
)
from core_adapters.hsm.kinds import Algorithm, KeySpec, KeyState, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.pkcs11 import open_token
from core_adapters.hsm.pool import ModulePool
from core_adapters.hsm.token import Token, TokenOptions
from support.hsm_kit import SoftToken


def _token(module: Module) -> Token:
    inner: Token = module._store._token  # type: ignore[attr-defined]
    return inner


LACKING = [
    (Mechanism.AES_CMAC, KeySpec("a", Usage.MAC, Algorithm.AES128), "make a CMAC"),
    (Mechanism.DES3_CBC, KeySpec("a", Usage.MAC, Algorithm.TDES2), "chain an X9.19 MAC"),
    (Mechanism.AES_KEY_GEN, KeySpec("a", Usage.PIN, Algorithm.AES128), "make a key of aes-128"),
    (Mechanism.DES3_ECB, KeySpec("a", Usage.PIN, Algorithm.TDES2), "encrypt"),
    (Mechanism.SHA256_HMAC, KeySpec("a", Usage.VERIFIER, Algorithm.HMAC256), "make an HMAC"),
]


@pytest.mark.parametrize(("mechanism", "spec", "work"), LACKING)
def test_a_missing_mechanism_is_named(  # noqa: PLR0917 - fixtures and a row of the table
    token: Module,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    mechanism: Mechanism,
    spec: KeySpec,
    work: str,
) -> None:
    inner = _token(token)
    monkeypatch.setattr(inner, "_mechanisms", inner._mechanisms - {mechanism})
    with pytest.raises(NotSupportedError, match=f"no {mechanism.name}, so it cannot {work}"):
        _make_and_use(token, KeySpec(name, spec.usage, spec.algorithm))
    assert _labels(token, name) in (set(), {f"tb:{name}:1", f"tb:{name}:1:half"})


def _make_and_use(module: Module, spec: KeySpec) -> None:
    module.generate(spec)
    module.mac(spec.name, b"more than one block of text")


def _labels(module: Module, name: str) -> set[str]:
    with _token(module).session("look") as session:
        found = session.raw.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})
        return {o[Attribute.LABEL] for o in list(found) if f":{name}:" in o[Attribute.LABEL]}


def test_what_a_crash_left_is_cleared(token: Module, name: str) -> None:
    """A half without its whole, and a whole without its check value, are no keys."""
    half = {
        Attribute.CLASS: ObjectClass.SECRET_KEY,
        Attribute.KEY_TYPE: 0x1F,
        Attribute.TOKEN: True,
        Attribute.VALUE: bytes(range(16)),
    }
    with _token(token).session("plant") as session:
        for label in (f"tb:{name}:1", f"tb:{name}:1:half"):
            session.raw.create_object({**half, Attribute.LABEL: label})
    token.reload()
    assert name not in {info.spec.name for info in token.list_keys()}
    token.generate(KeySpec(name, Usage.MAC, Algorithm.TDES2))
    with _token(token).session("look") as session:
        found = session.raw.get_objects({Attribute.LABEL: f"tb:{name}:1"})
        assert len(list(found)) == 1
    assert not token.faults()


def test_a_retired_key_is_destroyed_and_remembered(token: Module, name: str) -> None:
    spec = KeySpec(name, Usage.MAC, Algorithm.TDES2)
    first = token.generate(spec)
    token.generate(spec, rotate=True)
    token.retire(name, 1)
    assert _labels(token, name) == {f"tb:{name}:2", f"tb:{name}:2:half"}
    token.reload()
    states = {i.version: (i.state, i.kcv) for i in token.list_keys() if i.spec.name == name}
    assert states[1] == (KeyState.RETIRED, first.kcv)


def test_a_key_that_somebody_removed(token: Module, name: str) -> None:
    token.generate(KeySpec(name, Usage.MAC, Algorithm.AES128))
    token.mac(name, b"")
    with _token(token).session("remove") as session:
        session.find(f"tb:{name}:1").destroy()
    with pytest.raises(ModuleAwayError):
        token.mac(name, b"")
    with pytest.raises(UnknownKeyError, match="somebody removed it"):
        token.mac(name, b"")
    token.reload()
    assert name not in {info.spec.name for info in token.list_keys()}


def test_objects_of_others_are_left_alone(token: Module, name: str) -> None:
    with _token(token).session("plant") as session:
        for label in ("web-server", f"tb:{name}:x", f"tb:{name}:1:2:3", "tb:"):
            session.raw.create_object(
                {
                    Attribute.CLASS: ObjectClass.SECRET_KEY,
                    Attribute.KEY_TYPE: 0x1F,
                    Attribute.LABEL: label,
                    Attribute.TOKEN: True,
                    Attribute.ID: b"mac:aes-128:stay:\xff\xff",
                    Attribute.VALUE: bytes(range(16)),
                }
            )
    token.reload()
    assert name not in {info.spec.name for info in token.list_keys()}


def test_no_library_no_token(soft_token: SoftToken, tmp_path: Path) -> None:
    with pytest.raises(ModuleAwayError, match="open"):
        open_token(TokenOptions(str(tmp_path / "nothing.so"), "x", "1234"))
    with pytest.raises(ModuleAwayError, match="NoSuchToken"):
        open_token(TokenOptions(soft_token.library, "no-such-token", "1234"))


def test_options_hide_the_pin(soft_token: SoftToken) -> None:
    options = TokenOptions(soft_token.library, soft_token.label, soft_token.pin)
    assert soft_token.pin not in repr(options)


async def test_the_pool_keeps_the_loop_free_and_answers_right(token: Module, name: str) -> None:
    token.generate(KeySpec(name, Usage.MAC, Algorithm.AES128))
    pool = ModulePool(threads=3)
    texts = [bytes([number]) * 40 for number in range(250)]
    macs = await asyncio.gather(*(pool.run(token.mac, name, text) for text in texts))
    assert macs == [token.mac(name, text) for text in texts]
    assert pool.count == 0
    pool.close()


async def test_the_pool_refuses_rather_than_queueing() -> None:
    pool, gate = ModulePool(threads=1, waiting=1), threading.Event()
    running = [asyncio.create_task(pool.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ModuleBusyError):
        await pool.run(gate.wait)
    running[0].cancel()
    await asyncio.sleep(0)
    assert pool.count == 2, "a caller who gave up has not freed the thread"
    gate.set()
    assert await running[1]
    assert pool.count == 0
    pool.close()


async def test_the_pool_passes_refusals_on(token: Module) -> None:
    pool = ModulePool()
    with pytest.raises(NotSupportedError):
        await pool.run(_refuse)
    assert pool.count == 0
    pool.close()


def _refuse() -> None:
    raise NotSupportedError("no")
