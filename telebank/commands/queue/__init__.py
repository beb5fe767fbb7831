"""`telebank queue`: queues of callers as data, and what theory and play say of them."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from telebank.commands.late import LateGroup

PARTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "check": ("check", "Check a file of queues: errors, and what is not as it seems."),
        "today": ("today", "Who came, was answered, gave up or was turned away today."),
        "erlang": ("erlang", "Seats, waits and service level by Erlang's formulas."),
        "simulate": ("simulate", "Play the queues with callers by chance."),
        "compare": ("compare", "Play one queue beside Erlang C; draw both."),
    }
)


@click.group(
    name="queue",
    cls=LateGroup,
    package="telebank.commands.queue",
    parts=PARTS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Queues of callers who want a person (docs/queues.md).

    \b
    Examples:
      telebank queue check
      telebank queue today
      telebank queue erlang --calls 120 --talk 180 --wrap-up 30
      telebank queue simulate --calls general=120 --seats general=9
      telebank queue compare --load 0.8
    """
