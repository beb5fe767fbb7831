"""Errors of `telebank fax` with --json: JSON on stdout, `{"error": …, "code": …, "exit": …}`."""

import json
from typing import Any

import click

from telebank.commands.common import EXIT_FINDING, EXIT_UNREACHABLE, EXIT_USAGE

_ASKED = "telebank.fax.json"
_CODES = {EXIT_FINDING: "failed", EXIT_USAGE: "usage", EXIT_UNREACHABLE: "unreachable"}
"""For programs, where the node gave no code of its own."""


class NotThere(click.ClickException):
    """No fax of this number: exit 1."""

    exit_code = EXIT_FINDING
    code = "not_found"


class JsonErrors(click.Group):
    """A group whose commands end with JSON where they were asked for JSON, also by an error of the
    command line itself."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Sees the options of the commands before they are read."""
        ctx.meta[_ASKED] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Raises `Exit` with the code of the error."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if not ctx.meta[_ASKED]:
                raise
            code = getattr(error, "code", "") or _CODES.get(error.exit_code, "failed")
            told = {"error": error.format_message(), "code": code, "exit": error.exit_code}
            click.echo(json.dumps(told, ensure_ascii=False))
            raise click.exceptions.Exit(error.exit_code) from error
