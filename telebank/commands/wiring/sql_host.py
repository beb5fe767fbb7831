"""Wiring of a host that is an SQL database: `[hosts.NAME] adapter = "sql"`.

    [hosts.ourbank]
    adapter = "sql"
    profile = "ourbank"               # config/hosts/ourbank.yaml, kind: sql
    dialect = "postgresql"
    connection = "DRIVER={PostgreSQL Unicode};Server=db1;UID=telebank_gateway;PWD={password}"
    password_file = "ourbank.password"  # under DATA/keys, mode 0600
    workers = 8

In place of `connection` a data source of odbc.ini: `dsn = "OURBANK"`, `user = "telebank_gateway"`.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core_adapters.profiles.errors import ProfileError
from core_adapters.sql.events import HostEvents
from core_adapters.sql.host import SqlHost
from core_adapters.sql.options import SqlOptions
from core_adapters.sql.profile_load import load_profile
from telebank.settings import SettingsError, read_options
from transactions.card import CardVault
from transactions.contract import Contracts

NOT_ITS_OWN = frozenset({"adapter", "profile", "utc_offset_minutes"})
"""Keys of the section that are the wiring's, not the adapter's."""


def sql_host(
    name: str,
    table: Mapping[str, Any],
    config: Path,
    keys: Path,
    contracts: Contracts,
    events: HostEvents,
    vault: CardVault | None = None,
) -> SqlHost:
    """The host of section `hosts.NAME`; `keys` is where a relative `password_file` lies.

    Nothing is connected before `start`. Raises `SettingsError` or `ProfileError` saying what to do.
    """
    options = sql_options(name, table, keys)
    profile = load_profile(config / "hosts" / f"{table.get('profile', name)}.yaml")
    try:
        return SqlHost(profile, contracts, options, events=events, vault=vault)
    except ProfileError:
        raise
    except (ValueError, OSError) as error:
        raise SettingsError(f"[hosts.{name}]: {error}") from error


def sql_options(name: str, table: Mapping[str, Any], keys: Path) -> SqlOptions:
    """The section as options; raises `SettingsError`."""
    own = {key: value for key, value in table.items() if key not in NOT_ITS_OWN}
    options = read_options(SqlOptions, own, f"hosts.{name}")
    if not (options.connection or options.dsn):
        raise SettingsError(f"[hosts.{name}]: needs `connection` or `dsn`; see docs/sql.md")
    if options.password_file:
        where = str(keys / options.password_file)
        options = dataclasses.replace(options, password_file=where)
    return options
