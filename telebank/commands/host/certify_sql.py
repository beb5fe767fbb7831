"""The databases of `telebank host certify`; imported only where a profile is of kind sql."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from core_adapters.conformance.people import load_people
from core_adapters.conformance.sql_bench import Database, SqlTarget, through
from core_adapters.conformance.sql_demo import DEMOS, DemoMissing, server_of
from core_adapters.sql.options import SqlOptions
from core_adapters.sql.profile_load import load_profile
from telebank.commands.common import Unreachable
from telebank.commands.host.certify_people import demo_people
from telebank.commands.host.certify_values import TERMINAL, Opened, Where
from telebank.commands.host.common import profile_path, read_contracts
from telebank.commands.wiring.sql_host import sql_options
from telebank.settings import SettingsError, load_settings


def demo_database(where: Where, folder: Path, stack: contextlib.ExitStack) -> Opened:
    """A database of the shipped stubs, made for the run."""
    profile, contracts = _sql_profile(where), read_contracts(where.data)
    if where.dialect not in profile.dialects or where.dialect not in DEMOS:
        raise click.UsageError(f"--dialect is one of {', '.join(DEMOS)} that the profile has")
    people = demo_people()
    try:
        bank = stack.enter_context(DEMOS[where.dialect](folder, people))
    except DemoMissing as error:
        raise Unreachable(str(error)) from error
    options = SqlOptions(dialect=where.dialect, connection="demo", terminal=TERMINAL)
    target = SqlTarget(bank.database, profile, contracts, options)
    what = f"a demo database of the shipped stubs: {server_of(bank.owner)}"
    return Opened(target, people, what, profile.version, bank.findings)


def own_database(where: Where) -> Opened:
    """A bank's own test database, by its section of the settings."""
    profile, contracts = _sql_profile(where), read_contracts(where.data)
    name = str(where.address)
    assert where.cards is not None
    try:
        tables = load_settings(where.data).hosts
        if name not in tables:
            raise click.UsageError(
                f"--host {name}: the settings have no section [hosts.{name}]; for a profile of "
                f"kind sql give the name of one, such as --host {next(iter(tables), 'ourbank')}"
            )
        options = sql_options(name, tables[name], where.keys or where.data / "keys")
        connection = options.connection_string()
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    except (ValueError, OSError) as error:
        raise click.UsageError(f"[hosts.{name}]: {error}") from error
    text, wire = through(connection)
    database = Database(options.dialect, text, wire)
    target = SqlTarget(database, profile, contracts, replace(options, terminal=TERMINAL))
    people = load_people(where.cards)
    return Opened(target, people, f"{name}: {server_of(connection)}", profile.version)


def _sql_profile(where: Where) -> Any:
    profile = load_profile(profile_path(where.data, where.profile))
    if not profile.test:
        raise click.UsageError(f"profile {profile.name} is not marked `test: true`")
    return profile
