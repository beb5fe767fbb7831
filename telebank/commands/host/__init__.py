"""`telebank host`: what a bank's integrator needs to bring up and watch the link to a host."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import click

PARTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "check": ("check", "Check a host profile; list its services and codes."),
        "send": ("send", "Send one request to a test host and show every frame."),
        "replay": ("replay", "Send messages of a file to a test host."),
        "rotate": ("rotate", "Give the host a new key, under the transport key."),
        "trace": ("trace", "Watch a node's frames live, decoded and masked."),
        "unknown": ("unknown", "List requests that are not settled; show one's history."),
        "resolve": ("resolve", "Close a request by two people: posted or not-posted."),
        "reconcile": ("reconcile", "Compare journal, totals and host's file of a date."),
        "certify": ("certify", "Run the conformance kit and write a signed report."),
        "verify": ("verify", "Verify the signature of a certification report."),
        "sql-stubs": ("sql_stubs", "Print stubs for a bank's database people."),
    }
)


class Parts(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of an integrator's work."""
        return list(PARTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in PARTS:
            return None
        command = importlib.import_module(f"telebank.commands.host.{PARTS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Short texts from the table, so that help imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in PARTS.items()])


@click.group(name="host", cls=Parts, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Check, try, watch and certify the link to the core host.

    \b
    Examples:
      telebank host check tb87
      telebank host send card.balance card=6227000001000011
      telebank host trace
      telebank host certify tb87 --report tb87.html
    """
