"""Options and exit codes that the commands share."""

import re
from pathlib import Path
from typing import Final

import click

EXIT_FINDING: Final = 1
"""Something was found: a check failed, an expectation was not met."""
EXIT_USAGE: Final = 2
"""The command line or a file that it names cannot be used."""
EXIT_UNREACHABLE: Final = 3
"""Nothing answers there, or a port is taken."""

DEFAULT_DATA = Path("var")
TOKEN = re.compile("[0-9a-f]{64}")

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DATA,
    envvar="TELEBANK_DATA",
    show_default=True,
    help="Folder of the bank's data, keys and logs.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class Unreachable(click.ClickException):
    """Ends a command with exit code 3: nothing there, or a port is taken."""

    exit_code = EXIT_UNREACHABLE


def person(actor: str) -> str:
    """Who did something, for people to read; a customer by the first figures of his token."""
    return f"customer {actor[:8]}" if TOKEN.fullmatch(actor) else actor
