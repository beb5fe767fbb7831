"""A child that is not what the node takes it for."""

import sys

import msgspec
import pytest

from telebank.faxing import wire
from telebank.workers.child import Child, Program


def program(version: int) -> Program[wire.FromProcess]:
    return Program(
        name="fax process",
        module="telebank.faxing",
        arguments=(),
        version=version,
        decoder=msgspec.msgpack.Decoder(wire.FromProcess),
        shutdown=wire.Shutdown(),
    )


async def test_one_of_another_version_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    def on_message(message: wire.FromProcess) -> None:
        assert isinstance(message, wire.Hello)
        assert not child.greet(message.version)

    child = Child(program(wire.VERSION + 1), on_message, lambda: told.append("gone"))
    assert "did not start" in await child.launch()
    assert f"speaks version {wire.VERSION}, not {wire.VERSION + 1}" in caplog.text
    assert (child.pid, told) == (0, ["gone"])
    child.send(wire.Shutdown())  # into the void, without harm


async def test_one_that_cannot_be_started_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    child = Child(program(wire.VERSION), lambda _: None, lambda: None)
    assert "no fax process can be started" in await child.launch()
    assert child.gone.done()
    await child.bury()
