"""`telebank bench gateway`: durable transfers through processor, journal, codec and link."""

import asyncio
import contextlib
import gc
import json
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
import uvloop
from rich.console import Console

from core_adapters.corehost.seed import TEST_CARDS, trial_set
from core_adapters.hsm.port import SecurityModule
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.framing import wrap
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.keys.names import KeyNames
from core_adapters.iso8583.options import Iso8583Options, MuxOptions
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from telebank.commands.bench.call import start_option
from telebank.commands.common import EXIT_FINDING, Unreachable, json_option
from telebank.ops.clock import SystemClock
from telebank.ops.supervise import Child, ChildFailed, ChildSpec
from telebank.store.engine import database_url
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.card import CardNumber
from transactions.contract import load_contracts
from transactions.money import Money, currency
from transactions.options import ProcessorOptions
from transactions.outcome import Values
from transactions.processor import Processor
from transactions.request import AuthLevel, HostMessage, Request

CONFIG = Path(__file__).resolve().parents[3] / "config"
HOST = "127.0.0.1"
NODE = "01"
CEILING = Money(900_000_000_000, currency("CNY"))
"""A limit that nobody reaches: it is counted all the same."""
ROUNDS_OF_CODEC = 2_000
WRITER = "journal-writer"
say = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Stages:
    """Microseconds of CPU in this process for one transfer."""

    journal: float
    """The writer's thread: statements, audit leaves, commits."""
    codec: float
    """Request and reply to bytes and back, MACs included."""
    link: float
    """Adapter, multiplexer, framing and socket, without the codec."""
    processor: float
    """What is left: lifecycle, sealing, tasks, waiting for the journal."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured against one kind of host."""

    tps: float
    """Durable transfers a second, as many at once as `at_once`."""
    p50_ms: float
    p99_ms: float
    """Milliseconds from request to answer at `rate` a second."""
    cpu_us_per_txn: float
    stages: Stages
    commits_per_txn: float
    failed: int


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked."""

    transfers: int
    at_once: int
    rate: int
    seconds: int


@click.command("gateway")
@click.option("--transfers", default=6000, show_default=True, type=click.IntRange(100, 60_000))
@click.option(
    "--at-once", default=128, show_default=True, type=click.IntRange(1, 190), help="In flight."
)
@click.option(
    "--rate", default=200, show_default=True, type=click.IntRange(1, 2_000), help="For latency."
)
@click.option("--seconds", default=10, show_default=True, type=click.IntRange(1, 120))
@click.option("--ledger/--no-ledger", default=True, show_default=True, help="Also with a ledger.")
@start_option
@json_option
def command(
    *,
    transfers: int,
    at_once: int,
    rate: int,
    seconds: int,
    ledger: bool,
    start_s: float,
    as_json: bool,
) -> None:
    """Measure durable money transactions: journal, audit leaves, codec, link.

    Starts a core host of its own in another process, without its ledger and then with it, and
    sends transfers to it over loopback TCP from this one. Every transfer is recorded, sent and
    concluded durably before it counts. Quotes are taken beforehand. Exit code 1 when one failed.

    \b
    Examples:
      telebank bench gateway --json
      telebank bench gateway --transfers 20000 --at-once 64 --no-ledger
    """
    load = Load(transfers, at_once, rate, seconds)
    try:
        alone = uvloop.run(_bench(load, "--no-ledger", start_s))
        beside = uvloop.run(_bench(load, "--test-data", start_s)) if ledger else None
    except ChildFailed as error:
        raise Unreachable(str(error)) from error
    if as_json:
        kept = None if beside is None else asdict(beside)
        click.echo(json.dumps({**asdict(alone), "with_ledger": kept}))
    else:
        click.echo(_table("host without ledger", alone))
        click.echo("" if beside is None else _table("host with ledger", beside))
    failed = alone.failed + (0 if beside is None else beside.failed)
    sys.exit(EXIT_FINDING if failed else 0)


def _table(title: str, figures: Figures) -> str:
    lines = [title, f"{figures.tps:>10}  durable transfers a second"]
    lines.append(f"{figures.p50_ms:>10}  ms, half of them")
    lines.append(f"{figures.p99_ms:>10}  ms, 99 of 100")
    lines.append(f"{figures.cpu_us_per_txn:>10}  us of CPU a transfer")
    lines += [f"{us:>10}    {name}" for name, us in asdict(figures.stages).items()]
    lines.append(f"{figures.commits_per_txn:>10}  commits a transfer")
    return "\n".join([*lines, f"{figures.failed:>10}  failed"])


# -- one host -------------------------------------------------------------------------------------


async def _bench(load: Load, kind: str, start_s: float) -> Figures:
    with contextlib.ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-gateway-")))
        async with _gateway(data, kind, start_s) as gateway:
            codec_us = _codec_us(gateway)
            adapter_us = await gateway.adapter_us(load)
            whole = await gateway.throughput(load)
            times, late = await gateway.latency(load)
    journal, main, took, commits, failed = whole
    stages = Stages(
        journal=round(journal, 1),
        codec=round(codec_us, 1),
        link=round(max(0.0, adapter_us - codec_us), 1),
        processor=round(max(0.0, main - adapter_us), 1),
    )
    return Figures(
        tps=round(load.transfers / took, 1),
        p50_ms=round(float(np.percentile(times, 50)), 2),
        p99_ms=round(float(np.percentile(times, 99)), 2),
        cpu_us_per_txn=round(journal + main, 1),
        stages=stages,
        commits_per_txn=round(commits / load.transfers, 3),
        failed=failed + late,
    )


@contextlib.asynccontextmanager
async def _gateway(data: Path, kind: str, start_s: float) -> AsyncIterator["_Gateway"]:
    keys = data / "keys"
    keys.mkdir(mode=0o700)
    async with contextlib.AsyncExitStack() as stack:
        port_file = data / "corehost.json"
        words = ["corehost", "run", kind, "--listen", f"{HOST}:0", "--data", str(data / "bank")]
        words += ["--keys", str(keys), "--port-file", str(port_file)]
        arguments = (sys.executable, "-m", "telebank", *words)
        child = Child(ChildSpec("corehost", arguments, data / "corehost.log"), say.print)
        stack.push_async_callback(child.stop)
        await child.start(port_file, start_s)
        port = int(json.loads(port_file.read_text(encoding="utf-8"))["port"])
        profile = load_profile(CONFIG / "hosts" / "tb87.yaml")
        contracts = load_contracts(CONFIG / "services.yaml")
        vault = Keyring.open_or_create(keys)
        store = await Store.open(database_url(data), NODE, vault)
        stack.push_async_callback(store.close)
        module = open_software(keys)
        # Echoes and connections are as in service; only the places are as many as are asked for.
        options = Iso8583Options(addresses=(f"127.0.0.1:{port}",), mux=MuxOptions())
        host = Iso8583Host(profile, contracts, module, options, vault=vault)
        await host.start()
        stack.push_async_callback(host.close)
        if not await host.wait_signed_on(start_s):
            raise ChildFailed(f"the core host did not sign us on within {start_s:g} s")
        limits = dict.fromkeys(
            {name for service in contracts.services.values() for name in service.limits}, CEILING
        )
        settings = ProcessorOptions(limits=limits, quotes_max=100_000)
        processor = Processor(contracts, host, store.journal, vault, settings, SystemClock())
        await processor.recover()
        yield _Gateway(processor, host, store, vault, profile, module)
        await processor.close()


class _Gateway:
    """The gateway under test, and what is asked of it."""

    def __init__(
        self,
        processor: Processor,
        host: Iso8583Host,
        store: Store,
        vault: Keyring,
        profile: Profile,
        module: SecurityModule,
    ) -> None:
        self._processor = processor
        self._host = host
        self._store = store
        self._vault = vault
        self.profile = profile
        self.module = module
        self._cards = [CardNumber(one.card) for one in trial_set()[:TEST_CARDS]]
        self._numbers = iter(range(1, 10_000_000))

    # -- requests -------------------------------------------------------------------------------

    def request(self, service: str, number: int, inputs: Values) -> Request:
        """A request of the customer who has this number's card."""
        payer = self._cards[number % TEST_CARDS]
        token = self._vault.token(payer)
        return Request(
            f"{service[:20]}-{number}",
            service,
            1,
            inputs,
            actor="customer",
            call=f"call-{number}",
            auth=AuthLevel.PIN,
            authenticated_token=token,
        )

    def terms(self, number: int) -> Values:
        """Payer, payee and an amount that no other transfer has."""
        payer, payee = self._cards[number % TEST_CARDS], self._cards[(number + 7) % TEST_CARDS]
        return {"from": payer, "to": payee, "amount": Money(1 + number, currency("CNY"))}

    async def orders(self, count: int, at_once: int) -> list[Request]:
        """Transfers on fresh quotes, ready to be submitted."""
        orders: list[Request] = []

        async def one(number: int) -> None:
            quote = await self._processor.submit(
                self.request("transfer.quote", number, self.terms(number))
            )
            if quote.exit == "ok":
                inputs = {"quote": quote.data["quote"]}
                orders.append(self.request("transfer.card_to_card", number, inputs))

        await self._many([one(next(self._numbers)) for _ in range(count)], at_once)
        return orders

    async def _many(self, work: Sequence[Coroutine[None, None, None]], at_once: int) -> None:
        left = iter(work)

        async def worker() -> None:
            for one in left:
                await one

        await asyncio.gather(*(worker() for _ in range(at_once)))

    # -- measurements ---------------------------------------------------------------------------

    async def throughput(self, load: Load) -> tuple[float, float, float, int, int]:
        """CPU us of the writer and of everything else a transfer, seconds, commits, failures."""
        orders = await self.orders(load.transfers, load.at_once)
        bad = load.transfers - len(orders)

        async def one(order: Request) -> None:
            nonlocal bad
            answer = await self._processor.submit(order)
            bad += answer.exit != "ok"

        writer = _clock_of_writer()
        commits = self._store.commits
        with _quiet():
            began, cpu = time.perf_counter(), time.process_time()
            written = time.clock_gettime(writer)
            await self._many([one(order) for order in orders], load.at_once)
            took, used = time.perf_counter() - began, time.process_time() - cpu
            journal = time.clock_gettime(writer) - written
        count = load.transfers / 1e6
        made = self._store.commits - commits
        return journal / count, (used - journal) / count, took, made, bad

    async def latency(self, load: Load) -> tuple[list[float], int]:
        """Milliseconds of each transfer at a steady rate, whatever became of the one before."""
        orders = await self.orders(load.rate * load.seconds, load.at_once)
        times: list[float] = []
        bad = load.rate * load.seconds - len(orders)
        loop = asyncio.get_running_loop()

        async def one(order: Request, due: float) -> None:
            nonlocal bad
            answer = await self._processor.submit(order)
            times.append((loop.time() - due) * 1000)
            bad += answer.exit != "ok"

        with _quiet():
            start = loop.time()
            tasks = []
            for number, order in enumerate(orders):
                due = start + number / load.rate
                await asyncio.sleep(max(0.0, due - loop.time()))
                tasks.append(loop.create_task(one(order, due)))
            await asyncio.gather(*tasks)
        return times, bad

    async def adapter_us(self, load: Load) -> float:
        """CPU us a message and its reply, without journal and processor."""
        count = min(load.transfers, ROUNDS_OF_CODEC)
        log = _NoLog()

        async def one(number: int) -> None:
            made = self.request("transfer.quote", number, self.terms(number))
            await self._host.execute(replace(made, reference=f"99{number:010d}"), log)

        work = [one(next(self._numbers)) for _ in range(count)]
        cpu = time.process_time()
        await self._many(work, load.at_once)
        return (time.process_time() - cpu) / count * 1e6


class _NoLog:
    """Numbers without a journal."""

    def __init__(self) -> None:
        self._stan = 900_000

    async def next_stan(self) -> str:
        self._stan += 1
        return f"{self._stan % 1_000_000:06d}"

    async def sending(self, message: HostMessage) -> None:
        """Nothing is kept."""

    async def answered(self, message: HostMessage) -> None:
        """Nothing is kept."""


def _codec_us(gateway: _Gateway) -> float:
    """CPU us to encode a transfer with its MAC, and to decode and verify its reply."""
    codec = Codec(gateway.profile)
    mac = ModuleMac(gateway.module, KeyNames.of(gateway.profile.name).mac)
    now = datetime.now(UTC).strftime("%m%d%H%M%S")
    fields = {2: "6227009000000011", 3: "420000", 4: "000000001000", 7: now, 11: "000001"}
    fields |= {12: "120000", 13: "0302", 18: "6012", 22: "012", 25: "08", 28: "D00000000"}
    fields |= {32: "62270001", 37: "010000000001", 41: "TB010001", 42: "TELEBANK".ljust(15)}
    fields |= {49: "156", 103: "6227009000000029"}
    fields[60] = codec.join(60, {"channel": "phone", "call": "call-1", "auth": "pin"})
    fields[61] = codec.join(61, {"quote": "Q0123456789ABCDEF"})
    balances = "1001156C0000010000001002156C000001000000"
    kept = {n: fields[n] for n in (2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49)}
    request = Message("0200", fields)
    reply = codec.encode(Message("0210", kept | {15: "0302", 39: "00", 54: balances}), mac)
    began = time.process_time()
    for _ in range(ROUNDS_OF_CODEC):
        wrap(codec.encode(request, mac), gateway.profile.frame)
        codec.mac_ok(reply, codec.decode(reply), (mac,))
    return (time.process_time() - began) / ROUNDS_OF_CODEC * 1e6


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What was made before is not looked through again while it is measured, as in a node."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _clock_of_writer() -> int:
    thread = next(one for one in threading.enumerate() if one.name == WRITER)
    assert thread.ident is not None
    return time.pthread_getcpuclockid(thread.ident)
