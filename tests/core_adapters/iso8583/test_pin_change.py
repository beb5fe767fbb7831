"""PIN change at the real demo host: both PIN blocks made by the security module, none kept."""

import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import pytest

from core_adapters.hsm.errors import PinBlockError
from core_adapters.hsm.kinds import PinFormat, Usage
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.build import Builder, Stamp
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.templates import Input
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import Alarm, HostEvents
from core_adapters.tap import Tap
from support.corehost_process import CoreHostProcess
from support.iso8583_kit import (
    BANK_MODULE,
    CARD,
    MODULE,
    NAMES,
    PIN,
    MemoryLog,
    contracts,
    keys_in,
    quick_options,
    request,
    tb87,
)
from support.iso8583_peer import Peer
from transactions.card import CardNumber
from transactions.outcome import Approved, Declined, NotSent, Outcome, Values
from transactions.request import Request
from transactions.secret import Secret

NEW_PIN = "640281957306"
STAMP = Stamp.fresh("000001", request("pin.verify").created_at, quick_options(1), "1")  # type: ignore[arg-type]


def change(old: str, new: str, card: CardNumber = CARD, number: int = 1) -> Request:
    inputs: Values = {"card": card, "pin": Secret(old), "new_pin": Secret(new)}
    return replace(request("pin.verify", number), service="pin.change", inputs=inputs)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path_factory.mktemp("bank")) as host:
        yield host


@dataclass
class Desk:
    host: Iso8583Host
    log: MemoryLog
    alarms: list[Alarm]
    frames: list[str]
    number: int = 0

    async def change(self, card: CardNumber, old: str, new: str) -> Outcome:
        self.number += 1
        return await self.host.execute(change(old, new, card, self.number), self.log)


class Listening(Tap):
    """Keeps every traced frame."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    @property
    def wanted(self) -> bool:
        return True

    def put(self, event: object) -> None:
        self._lines.append(str(event))


@pytest.fixture
async def desk(bank: CoreHostProcess) -> AsyncIterator[Desk]:
    alarms: list[Alarm] = []
    frames: list[str] = []
    host = Iso8583Host(
        tb87(),
        contracts(),
        open_software(bank.keys),
        quick_options(bank.port),
        events=HostEvents(alarm=alarms.append),
        tap=Listening(frames),
    )
    await host.start()
    assert await host.wait_signed_on(5.0)
    yield Desk(host, MemoryLog(), alarms, frames)
    await host.close()


async def test_a_changed_pin_is_the_one_that_counts(bank: CoreHostProcess, desk: Desk) -> None:
    seed = bank.cards[0]
    card = CardNumber(seed.card)
    assert await desk.change(card, "000000000000", NEW_PIN) == Declined("wrong_pin")
    assert isinstance(await desk.change(card, seed.pin, NEW_PIN), Approved)
    assert await desk.change(card, seed.pin, "928374650192") == Declined("wrong_pin")
    assert isinstance(await desk.change(card, NEW_PIN, seed.pin), Approved)
    assert await desk.change(card, seed.pin, "111111111111") == Declined("weak_pin")
    told = "".join(desk.frames) + repr(desk.log.rows) + repr(desk.log.replies) + repr(desk.alarms)
    for secret in (seed.pin, NEW_PIN, seed.card, "000000000000"):
        assert secret not in told
    assert "PIN data" in told
    assert "new_pin_block" in told


@pytest.mark.parametrize("form", [PinFormat.ISO_0, PinFormat.ISO_3])
def test_both_blocks_open_at_the_host(form: PinFormat) -> None:
    profile = replace(tb87(), pin_format=form.value)
    codec = Codec(profile)
    builder = Builder(codec, quick_options(1), MODULE, NAMES.pin, None)
    made = builder.request(profile.services["pin.change"], change(PIN, NEW_PIN), STAMP, "0600")
    blocks = made.fields[52], codec.subfields(made, 48)["new_pin_block"]
    for block, pin in zip(blocks, (PIN, NEW_PIN), strict=True):
        opened = BANK_MODULE.open_pin(NAMES.pin, bytes.fromhex(block), CARD, form)
        assert opened.reveal() == pin
    assert PIN not in repr(made) + codec.describe(made)


def test_a_secret_goes_nowhere_else() -> None:
    service = tb87().services["pin.change"]
    template = {48: {"reason": Input("pin")}}
    wrong = replace(service, request=MappingProxyType({2: Input("card"), **template}))
    builder = Builder(Codec(tb87()), quick_options(1), MODULE, NAMES.pin, None)
    with pytest.raises(EncodeError, match="holds: pin_block"):
        builder.request(wrong, change(PIN, NEW_PIN), STAMP, "0600")


async def test_keys_that_are_gone_send_nothing_and_tell_no_digit(tmp_path: Path) -> None:
    module, alarms = keys_in(tmp_path, Usage.PIN, "tb87"), list[Alarm]()
    peer = await Peer.start()
    host = Iso8583Host(
        tb87(),
        contracts(),
        module,
        quick_options(peer.port),
        events=HostEvents(alarm=alarms.append),
    )
    await host.start()
    assert await host.wait_signed_on(5.0)
    log = MemoryLog()
    assert await host.execute(change(PIN, "12"), log) == NotSent("format")
    module.discard(NAMES.pin)
    assert await host.execute(change(PIN, NEW_PIN), log) == NotSent("keys")
    module.discard(NAMES.mac)
    assert await host.execute(request("card.balance"), log) == NotSent("keys")
    await host.close()
    await peer.stop()
    kinds = [alarm.kind for alarm in alarms]
    assert kinds[:3] == ["profile", "keys", "keys"]
    assert log.rows == []
    text = repr(alarms)
    assert all(secret not in text for secret in (PIN, NEW_PIN, CARD.digits))


def test_no_digit_in_what_the_builder_raises() -> None:
    builder = Builder(Codec(tb87()), quick_options(1), MODULE, NAMES.pin, None)
    service = tb87().services["pin.change"]
    for old, new in ((PIN, NEW_PIN * 2), (PIN * 2, NEW_PIN)):
        with pytest.raises(PinBlockError) as caught:
            builder.request(service, change(old, new), STAMP, "0600")
        error: BaseException | None = caught.value
        while error is not None:
            told = str(error) + repr(error.args) + "".join(traceback.format_exception(error))
            assert all(secret not in told for secret in (PIN, NEW_PIN, CARD.digits))
            error = error.__cause__ or error.__context__
