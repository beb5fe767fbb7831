"""A group of commands each in a module of its own, which is imported when its command is used:
neither help nor completion of the group costs what its commands need."""

import importlib
from collections.abc import Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem


class LateGroup(click.Group):
    """`parts`: name to module of `package` (its `command`) and what it does, in order of help."""

    def __init__(
        self, *args: Any, package: str, parts: Mapping[str, tuple[str, str]], **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self._package = package
        self._parts = parts

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(self._parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command's module."""
        if cmd_name not in self._parts:
            return None
        command = importlib.import_module(f"{self._package}.{self._parts[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Short texts from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._parts.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and short texts from the table; options as every command completes its own."""
        named = [
            CompletionItem(name, help=text)
            for name, (_, text) in self._parts.items()
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]
