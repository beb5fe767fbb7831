"""`telebank host sql-stubs`: what a bank's database people fill in."""

import importlib
from typing import Any

import click


@click.command(name="sql-stubs")
@click.option("--dialect", required=True, help="postgresql, or another that the adapter has.")
def command(dialect: str) -> None:
    """Print tables and stored procedures to fill in, for a host reached by SQL.

    \b
    Example:
      telebank host sql-stubs --dialect postgresql > stubs.sql
    """
    try:
        module: Any = importlib.import_module("core_adapters.sql.stubs")
    except ModuleNotFoundError as error:
        raise click.UsageError("this installation has no SQL adapter") from error
    try:
        text = module.stubs(dialect)
    except (KeyError, ValueError) as error:
        raise click.UsageError(f"dialect {dialect!r}: {error}") from error
    click.echo(text)
