"""`telebank host trace`, over a real control socket."""

import asyncio
import json
import sys
from pathlib import Path

from aiohttp import web

from core_adapters.conformance.faults import Fault
from core_adapters.conformance.people import KitVault
from core_adapters.conformance.proxy import FaultProxy, Order
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.tap import MAX_WATCHERS, Tap
from support.conformance_bench import CONTRACTS, PROFILE, Bench
from support.host_command import run
from telebank.calls.control.host_trace import TRACE, HostTrace, host_trace
from telebank.commands.host.certify_people import demo_people


async def serve_tap(tap: Tap, socket: Path) -> web.AppRunner:
    app = web.Application()
    app[TRACE] = HostTrace(tap)
    app.add_routes([web.get("/v1/host/trace", host_trace)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    return runner


async def watch(data: Path, *words: str) -> asyncio.subprocess.Process:
    program = "from telebank.commands.host import command; command()"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "trace", "--data", str(data), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def wanted(tap: Tap) -> None:
    async with asyncio.timeout(20):
        while not tap.wanted:
            await asyncio.sleep(0.01)


async def test_a_frame_that_matched_nothing_says_which_field_differed(tmp_path: Path) -> None:
    tap = Tap()
    runner = await serve_tap(tap, tmp_path / "control.sock")
    async with Bench(tmp_path) as bench:
        proxy = FaultProxy(
            bench.codec, ModuleMac(bench.module, "tb87.mak"), "127.0.0.1", bench.port, 1
        )
        options = Iso8583Options(addresses=(f"127.0.0.1:{await proxy.start()}",))
        host = Iso8583Host(PROFILE, CONTRACTS, bench.module, options, vault=KitVault(), tap=tap)
        watcher = await watch(tmp_path, "--json", "--limit", "6")
        await wanted(tap)
        await host.start()
        assert await host.wait_signed_on(5)
        fault = Fault("reply", "set", field=41, to="OTHER   ")
        proxy.order(Order(PROFILE.services["card.balance"], [fault]))
        asked = asyncio.create_task(_ask(host))
        out, _ = await asyncio.wait_for(watcher.communicate(), 20)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await host.close()
        await proxy.close()
    await runner.cleanup()
    events = [json.loads(line) for line in out.splitlines()]
    said = ["sent", "received", "link_up", "sent", "received", "unmatched"]
    assert [event["what"] for event in events] == said
    assert events[-1]["why"] == "key field 41 differs from the request in flight"
    named = {view["name"]: view["text"] for view in events[3]["fields"]}
    assert named["Processing code"] == "310000"
    assert demo_people().payers[0].card.digits not in out.decode()


async def _ask(host: Iso8583Host) -> None:
    from core_adapters.conformance.journal import Numbers, Stans
    from transactions.request import AuthLevel, Request

    card = demo_people().payers[0].card
    request = Request("r1", "card.balance", 1, {"card": card}, "test", auth=AuthLevel.PIN)
    await host.execute(request, Numbers(Stans(1)))


async def test_a_fifth_watcher_is_told_why_not(tmp_path: Path) -> None:
    tap = Tap()
    runner = await serve_tap(tap, tmp_path / "control.sock")
    watchers = [tap.watch() for _ in range(MAX_WATCHERS)]
    process = await watch(tmp_path)
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 3
    assert b"too many watch already" in said
    assert all(watchers)
    await runner.cleanup()


def test_a_node_that_does_not_run_is_exit_3(tmp_path: Path) -> None:
    result = run("trace", "--data", str(tmp_path))
    assert result.exit_code == 3
    assert "telebank serve" in result.output
