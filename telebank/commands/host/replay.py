"""`telebank host replay`: messages of a file, one after the other, to a test host."""

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import click

from core_adapters.conformance.people import KitVault
from core_adapters.conformance.wire import Replayed, ReplayError, WireLink, read_line
from core_adapters.hsm.port import SecurityModule
from core_adapters.iso8583.build import Builder
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.keys.names import KeyNames
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.tap import Tap
from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.commands.host.common import (
    address_option,
    host_options,
    keys_option,
    only_test,
    reach_hint,
    read_keys,
    read_profile,
    say,
    terminal_option,
)

MAX_FILE_BYTES = 4_000_000
MAX_MESSAGES = 10_000
LINE = 'a line is a message, such as {"mti": "0200", "fields": {"3": "310000", "49": "156"}}'


@click.command(name="replay")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--profile", default="tb87", show_default=True, help="File, or name.")
@address_option
@keys_option
@terminal_option
@click.option("--keep", is_flag=True, help="Send fields 7 11 12 13 32 37 41 as the file has them.")
@click.option("--wait", "wait_s", type=click.FloatRange(0.1, 120), default=15.0, show_default=True)
@data_option
@json_option
def command(
    file: Path,
    profile: str,
    address: str | None,
    keys: Path | None,
    terminal: str,
    keep: bool,
    wait_s: float,
    data: Path,
    as_json: bool,
) -> None:
    """Send the messages of FILE, lines of JSON, and show each with its reply. Test hosts only.

    A line is {"mti": "0200", "fields": {"3": "310000", "2": "…", "48": {"reason": "lost"}}}.
    Secrets are refused (PIN, tracks, keys); MAC, STAN and times are made. Exit 1 where one had no
    reply.

    The host of `telebank run` on the same --data is found by itself.

    \b
    Examples:
      telebank host replay messages.jsonl
      telebank host replay messages.jsonl --profile tb87 --host 10.1.2.3:8583
    """
    loaded = read_profile(data, profile)
    only_test(loaded)
    codec = Codec(loaded)
    messages = _read(codec, file)
    options = dataclasses.replace(host_options(data, loaded, address), terminal=terminal)
    module = read_keys(data, keys, loaded)
    try:
        done = asyncio.run(
            _replay(codec, module, options, messages, keep=keep, wait_s=wait_s, as_json=as_json)
        )
    except (OSError, TimeoutError) as error:
        where = options.addresses[0]
        raise Unreachable(f"cannot reach {where}; {reach_hint(address)}") from error
    silent = [one.number for one in done if one.reply is None]
    text = f"{len(done)} sent, {len(done) - len(silent)} answered"
    click.echo(text + (f"; no reply to {silent}" if silent else ""), err=True)
    if silent:
        raise SystemExit(EXIT_FINDING)


def _read(codec: Codec, file: Path) -> list[Message]:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise click.UsageError(f"{file}: larger than {MAX_FILE_BYTES} bytes")
    try:
        texts = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise click.UsageError(f"{file}: not a text; {LINE}") from None
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from error
    rows = [(n, text) for n, text in enumerate(texts, 1) if text.strip()]
    if not 0 < len(rows) <= MAX_MESSAGES:
        raise click.UsageError(f"{file}: 1 to {MAX_MESSAGES} messages")
    try:
        return [read_line(codec, number, text) for number, text in rows]
    except ReplayError as error:
        raise click.UsageError(f"{file}: {error}; {LINE}") from None


async def _replay(
    codec: Codec,
    module: SecurityModule,
    options: Iso8583Options,
    messages: Sequence[Message],
    *,
    keep: bool,
    wait_s: float,
    as_json: bool,
) -> list[Replayed]:
    tap, names = Tap(), KeyNames.of(codec.profile.name)
    watcher = tap.watch()
    assert watcher is not None
    link = WireLink(codec, ModuleMac(module, names.mac), options, tap)

    async def show() -> None:
        async for line in watcher.lines():
            say(json.loads(line), as_json=as_json)

    shown = asyncio.create_task(show())
    try:
        await link.open()
        if not await link.sign_on(Builder(codec, options, module, names.pin, KitVault())):
            raise Unreachable(f"{options.addresses[0]} does not sign us on")
        done: list[Replayed] = []
        for number, message in enumerate(messages, 1):
            stamped = link.stamp(message, keep=keep)
            done.append(Replayed(number, stamped, await link.ask(stamped, wait_s)))
        return done
    finally:
        await link.close()
        watcher.close()
        await shown
