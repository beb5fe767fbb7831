"""`telebank keys`: the keys of the security module. No key is ever shown, only check values."""

import json
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from core_adapters.hsm.errors import KeyRefusedError
from core_adapters.hsm.kinds import Algorithm, CheckMethod, KeyInfo, KeySpec, Usage
from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.control_client import session_option
from telebank.commands.keys.agreement import (
    agreed,
    current_version,
    note_option,
    own_name,
    tell_node,
)
from telebank.commands.keys.custodian import custodian_at
from telebank.commands.keys.module import Where, module_options, opened
from telebank.commands.keys.store import store

if TYPE_CHECKING:
    from core_adapters.hsm.entry import ComponentEntry

TRIES = 3
"""Times a custodian may type a component."""
USAGES = click.Choice([usage.value for usage in Usage])
ALGORITHMS = click.Choice([algorithm.value for algorithm in Algorithm])
METHODS = click.Choice([CheckMethod.ZEROS.value, CheckMethod.CMAC.value])


@click.group(name="keys")
def command() -> None:
    """The keys shared with hosts: make, enter, exchange, rotate, check; and those of the store.

    What lets a key leave, replaces or ends it takes two people at the running node: somebody of IT
    says the command, a supervisor says the same at his own terminal, and it is done then.

    \b
    Examples:
      telebank keys list
      telebank keys enter host.kbpk --usage transport --algorithm aes-256
      telebank keys import tb87.zpk --usage pin --under host.kbpk --file zpk.tr31 --kcv 08D7B4
      telebank keys generate tb87.mak --usage mac --algorithm aes-256 --exportable
      telebank keys export tb87.mak --under host.kbpk
      telebank keys rotate tb87.mak
      telebank keys retire tb87.mak 1
      telebank keys check
      telebank keys reload
      telebank keys store list
    """


command.add_command(store)


@command.command(name="reload")
@data_option
@json_option
def reload_(data: Path, as_json: bool) -> None:
    """Tell the running node that keys were changed; SIGHUP does the same."""
    from telebank.commands.control_client import call

    answer = call(data, "POST", "/v1/keys/reload", {})
    click.echo(json.dumps(answer) if as_json else "the node has read its keys again")


@command.command(name="list")
@module_options
@json_option
def list_(where: Where, as_json: bool) -> None:
    """Every key: usage, algorithm, check value, state."""
    with opened(where) as module:
        _tell(module.list_keys(), as_json=as_json)


@command.command()
@click.argument("name")
@click.option("--usage", type=USAGES, required=True)
@click.option("--algorithm", type=ALGORITHMS, required=True)
@click.option("--exportable", is_flag=True, help="It may leave as a key block.")
@module_options
@json_option
def generate(
    where: Where, name: str, usage: str, algorithm: str, exportable: bool, as_json: bool
) -> None:
    """Make a random key.

    \b
    Examples:
      telebank keys generate tb87.zpk --usage pin --algorithm tdes-2 --exportable
      telebank keys generate phone.pins --usage verifier --algorithm hmac-sha256 --json
    """
    own_name(name)
    with opened(where, create=True) as module:
        info = module.generate(KeySpec(name, Usage(usage), Algorithm(algorithm), exportable))
        tell_node(where.data)
        _tell([info], as_json=as_json)


@command.command()
@click.argument("name")
@click.option("--usage", type=USAGES, required=True)
@click.option("--algorithm", type=ALGORITHMS, required=True)
@click.option("--exportable", is_flag=True, help="It may leave as a key block.")
@click.option("--method", type=METHODS, help="How the check values were made.")
@click.option("--rotate", is_flag=True, help="A new version of a key that is there.")
@module_options
@json_option
def enter(
    where: Where,
    name: str,
    usage: str,
    algorithm: str,
    exportable: bool,
    method: str | None,
    rotate: bool,
    as_json: bool,
) -> None:
    """Two custodians each type a component; nothing typed is shown.

    Each sits down alone, types the component and its check value from the own letter, and leaves.
    Each first proves by password and code at the running node who he is. Only while the module
    holds no key at all, as at the first installation, and no node runs, are names as typed.
    The check value of the whole key is shown at the end: compare it with the host's.

    \b
    Examples:
      telebank keys enter host.kbpk --usage transport --algorithm aes-256
      telebank keys enter tb87.zpk --usage pin --algorithm tdes-2 --method zeros
    """
    from core_adapters.hsm.entry import CUSTODIANS, ComponentEntry

    own_name(name)
    with opened(where, create=True) as module:
        first_keys = not module.list_keys()
        spec = KeySpec(name, Usage(usage), Algorithm(algorithm), exportable)
        entry = ComponentEntry(spec, CheckMethod(method) if method else None)
        try:
            for number in range(1, CUSTODIANS + 1):
                _take_component(entry, number, where.data, first_keys=first_keys)
            info = module.enter(entry, rotate=rotate)
        finally:
            entry.discard()
        tell_node(where.data)
        _tell([info], as_json=as_json)


@command.command(name="import")
@click.argument("name")
@click.option("--usage", type=USAGES, required=True)
@click.option("--under", required=True, help="Name of the transport key.")
@click.option("--file", "file", type=click.File(), default="-", help="The block; - is stdin.")
@click.option("--kcv", help="Check value that the sender gave.")
@click.option(
    "--rotate", is_flag=True, help="A new version of a key that is there; takes two people."
)
@note_option
@session_option
@module_options
@json_option
def import_(
    where: Where,
    name: str,
    usage: str,
    under: str,
    file: TextIO,
    kcv: str | None,
    rotate: bool,
    note: str,
    session: Path | None,
    as_json: bool,
) -> None:
    """Take a key from a TR-31 key block (versions B and D).

    \b
    Examples:
      telebank keys import tb87.zpk --usage pin --under host.kbpk --file zpk.tr31 --kcv 08D7B4
      telebank keys import tb87.mak --usage mac --under host.kbpk --rotate < mak.tr31
    """
    from core_adapters.hsm.keyblocks import MAX_BLOCK_TEXT

    own_name(name)
    try:
        block = file.read(MAX_BLOCK_TEXT + 2)
    except UnicodeDecodeError:
        raise click.UsageError(f"{file.name}: not a key block; TR-31 is text") from None
    with opened(where) as module:
        said: dict[str, str | int]
        said = {"under": under, "block_sha256": sha256(block.strip().encode()).hexdigest()}
        if rotate:
            module.inspect_block(name, Usage(usage), block, under)  # worth two people's time
            if not agreed(where.data, session, name, "import", said, note):
                return
        info = module.import_key(name, Usage(usage), block, under, rotate=rotate, kcv=kcv)
        tell_node(where.data)
        _tell([info], as_json=as_json)


@command.command()
@click.argument("name")
@click.option("--under", required=True, help="Name of the transport key.")
@note_option
@session_option
@module_options
@json_option
def export(
    where: Where, name: str, under: str, note: str, session: Path | None, as_json: bool
) -> None:
    """Write the current version as a TR-31 key block; takes two people.

    \b
    Examples:
      telebank keys export tb87.zpk --under host.kbpk > zpk.tr31
    """
    with opened(where) as module:
        kcv = module.check_value(name)
        said: dict[str, str | int]
        said = {"under": under, "version": current_version(module, name)}
        if not agreed(where.data, session, name, "export", said, note):
            return
        block = module.export_key(name, under)
    if as_json:
        click.echo(json.dumps({"name": name, "under": under, "block": block, "kcv": kcv}))
        return
    click.echo(block)
    click.echo(f"check value {kcv}", err=True)


@command.command()
@click.argument("name")
@note_option
@session_option
@module_options
@json_option
def rotate(where: Where, name: str, note: str, session: Path | None, as_json: bool) -> None:
    """Make the next version; the one before goes on verifying until it is retired.

    Takes two people.
    """
    with opened(where) as module:
        spec = next((i.spec for i in module.list_keys() if i.spec.name == name), None)
        if spec is None:
            raise click.UsageError(f"no key {name!r}; see telebank keys list")
        said = {"version": current_version(module, name) + 1}
        if not agreed(where.data, session, name, "rotate", said, note):
            return
        info = module.generate(spec, rotate=True)
        tell_node(where.data)
        _tell([info], as_json=as_json)


@command.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(1, 99))
@note_option
@session_option
@module_options
@json_option
def retire(
    where: Where, name: str, version: int, note: str, session: Path | None, as_json: bool
) -> None:
    """End a previous version: its material is destroyed, its record stays. Takes two people."""
    with opened(where) as module:
        if not agreed(where.data, session, name, "retire", {"version": version}, note):
            return
        info = module.retire(name, version)
        tell_node(where.data)
        _tell([info], as_json=as_json)


@command.command()
@click.argument("name", required=False)
@click.option("--kcv", help="Check value that NAME must have.")
@click.option("--method", type=METHODS, help="How that check value was made.")
@module_options
@json_option
def check(
    where: Where, name: str | None, kcv: str | None, method: str | None, as_json: bool
) -> None:
    """Try every key against its check value; exit 1 where one is not right.

    \b
    Examples:
      telebank keys check
      telebank keys check tb87.zpk --kcv 08D7B4
    """
    if kcv is not None and name is None:
        raise click.UsageError("--kcv needs the NAME of the key that must have it")
    with opened(where) as module:
        faults = list(module.faults())
        if name is not None:
            value = module.check_value(name, CheckMethod(method) if method else None)
            if kcv is not None and value != kcv.strip().upper():
                faults.append(f"key {name}: check value {value}, not the one given")
        count = len(module.list_keys())
    if as_json:
        click.echo(json.dumps({"keys": count, "faults": faults}, ensure_ascii=False))
    else:
        click.echo("\n".join(faults) or f"{count} keys, all as recorded")
    if faults:
        raise SystemExit(EXIT_FINDING)


def _take_component(entry: "ComponentEntry", number: int, data: Path, *, first_keys: bool) -> None:
    """Let one custodian type; a mistake may be mended, and takes nothing."""
    click.echo(f"Custodian {number}. Everybody else leaves the screen.", err=True)
    custodian = custodian_at(data, first_keys=first_keys)
    try:
        shown = _component(entry, custodian.name)
        custodian.took(data, entry.spec.name, number)
    finally:
        custodian.leave(data)
    click.echo(f"Taken, check value {shown}. Thank you; please leave.", err=True)
    if sys.stderr.isatty():
        click.clear()


def _component(entry: "ComponentEntry", custodian: str) -> str:
    """A component that fits its check value, which is returned."""
    for left in range(TRIES - 1, -1, -1):
        component = click.prompt("Component (not shown)", hide_input=True, err=True)
        kcv = click.prompt("Its check value", err=True)
        try:
            return entry.offer(custodian, component, kcv)
        except KeyRefusedError as error:
            if not left:
                raise
            click.echo(f"{error} ({left} more)", err=True)
    raise AssertionError("the last try returns or raises")


def _tell(infos: Sequence[KeyInfo], *, as_json: bool) -> None:
    rows = [
        {
            "name": info.spec.name,
            "version": info.version,
            "state": str(info.state),
            "usage": str(info.spec.usage),
            "algorithm": str(info.spec.algorithm),
            "kcv": info.kcv,
            "exportable": info.spec.exportable,
        }
        for info in infos
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        leave = "may leave" if row["exportable"] else ""
        click.echo(
            f"{row['name']:<24} {row['version']:>3}  {row['state']:<9} {row['usage']:<10}"
            f"{row['algorithm']:<12} {row['kcv']}  {leave}".rstrip()
        )
