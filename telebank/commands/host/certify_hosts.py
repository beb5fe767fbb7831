"""The hosts of `telebank host certify`: the demo's, made for the run, or a bank's own test host."""

import asyncio
import contextlib
import json
import select
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from core_adapters.conformance.iso8583_bench import Iso8583Target
from core_adapters.conformance.people import load_people
from core_adapters.corehost.acts import CUT_OVER, KEY_CHANGE
from core_adapters.corehost.control import ControlError, NotRunning, ask
from core_adapters.corehost.house import findings
from core_adapters.iso8583.options import Iso8583Options
from telebank.commands.common import Unreachable
from telebank.commands.host.certify_people import demo_people
from telebank.commands.host.certify_values import TERMINAL, Opened, Where
from telebank.commands.host.check_sql import is_sql
from telebank.commands.host.common import (
    host_options,
    only_test,
    profile_path,
    read_contracts,
    read_keys,
    read_profile,
    split_address,
)

READY_S, STOP_S = 30.0, 10.0


@contextlib.contextmanager
def opened(where: Where) -> Iterator[Opened]:
    """The host, for as long as it is needed; what was started ends with it."""
    demo, own = _demo_host, _own_host
    if is_sql(profile_path(where.data, where.profile)):
        # Here, not above: it needs a library of the system (core_adapters/sql/odbc.py).
        from telebank.commands.host import certify_sql

        demo, own = certify_sql.demo_database, certify_sql.own_database
    with contextlib.ExitStack() as stack:
        if where.address is not None:
            yield own(where)
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="certify-")))
        yield demo(where, folder, stack)


# -- ISO 8583 ------------------------------------------------------------------------------------


def _demo_host(where: Where, folder: Path, stack: contextlib.ExitStack) -> Opened:
    profile, contracts = read_profile(where.data, where.profile), read_contracts(where.data)
    only_test(profile)
    path = profile_path(where.data, where.profile)
    port = stack.enter_context(demo_host(folder, path))
    module = read_keys(where.data, folder / "keys", profile)
    options = Iso8583Options(terminal=TERMINAL)
    bank = folder / "corehost"
    acts = {"cut_over": _told(bank, {"do": CUT_OVER})}
    acts["keys_host"] = _told(bank, *({"do": KEY_CHANGE, "key": key} for key in ("mak", "zpk")))
    target = Iso8583Target("127.0.0.1", port, profile, contracts, module, options, host_acts=acts)
    what = "the demo core host"
    return Opened(target, demo_people(), what, profile.version, lambda: findings(bank))


def _told(bank: Path, *commands: dict[str, str]) -> Callable[[], Awaitable[str]]:
    """What has the demo host do these; its word for what came of it."""

    async def act() -> str:
        try:
            for words in commands:
                said = await asyncio.to_thread(ask, bank, words)
                if said.get("waits"):
                    return "waits: the gateway gave no check value"
        except (ControlError, NotRunning) as error:
            return str(error)
        return "changed"

    return act


def _own_host(where: Where) -> Opened:
    profile, contracts = read_profile(where.data, where.profile), read_contracts(where.data)
    only_test(profile)
    assert where.address is not None
    assert where.cards is not None
    host, port = split_address(where.address)
    people = load_people(where.cards)
    module = read_keys(where.data, where.keys, profile)
    options = host_options(where.data, profile, where.address)
    target = Iso8583Target(host, port, profile, contracts, module, options)
    return Opened(target, people, where.address, profile.version)


@contextlib.contextmanager
def demo_host(folder: Path, profile: Path) -> Iterator[int]:
    """A demo core host with test cards on a free port, in a process of its own; gives the port."""
    words = [sys.executable, "-m", "telebank", "corehost", "run", "--test-data"]
    words += ["--listen", "127.0.0.1:0", "--profile", str(profile.resolve())]
    words += ["--data", str(folder / "corehost"), "--keys", str(folder / "keys")]
    with (
        (folder / "corehost.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            words, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], READY_S)
            line = process.stdout.readline() if ready else ""
            if not line:
                raise Unreachable("the demo core host did not start")
            yield int(json.loads(line)["port"])
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
