"""`telebank host`: what a bank's integrator needs to bring up and watch the link to a host."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from telebank.commands.late import LateGroup

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


@click.group(
    name="host",
    cls=LateGroup,
    package="telebank.commands.host",
    parts=PARTS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Check, try, watch and certify the link to the core host.

    \b
    Examples:
      telebank host check tb87
      telebank host send card.balance card=6227000001000011
      telebank host trace
      telebank host certify tb87 --report tb87.html
    """
