"""`telebank bench`: measurements on this machine, each in a module of its own."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from telebank.commands.late import LateGroup

MEASURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "audit": ("audit", "The audit log: entries written, exported, verified a second."),
        "bridge": ("bridge", "Joined legs: two-way recorded calls, CPU time a call-second."),
        "call": ("call", "Whole calls: how soon a key is answered, and CPU time a call."),
        "desk": ("desk", "Tellers' screens beside calls: how soon they show what happens."),
        "dtmf": ("dtmf", "Keys in the audio: how many are right, CPU time a channel."),
        "fax": ("fax", "Faxes over T.38: CPU time a second of a fax, ten at once."),
        "gateway": ("gateway", "The ISO 8583 gateway: durable transfers a second."),
        "media": ("media", "The media plane alone: prompts and keys."),
        "plot": ("plot", "All of these over ranges of calls and rates, with pictures."),
        "signalling": (
            "signalling",
            "Calls set up a second, CPU time of each, and of refused ones.",
        ),
    }
)


@click.group(cls=LateGroup, package="telebank.commands.bench", parts=MEASURES)
def command() -> None:
    """Measure calls, media and faxes on this machine.

    \b
    Examples:
      telebank bench call --calls 100 --json
      telebank bench media --calls 300 --seconds 10
    """
