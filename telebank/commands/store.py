"""`telebank store`: what the database holds."""

import json

import click

from telebank.commands.common import json_option
from telebank.commands.listing import Column, show
from telebank.store import classes

WORDS = {
    classes.Class.C1: "public, or of the bank's own work",
    classes.Class.C2: "speaks of a person",
    classes.Class.C3: "card or other number, or what proves somebody",
}


@click.group(name="store", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """What the database holds: the class of each column, which decides what is masked.

    \b
    Example:
      telebank store classes
    """


@command.command(name="classes")
@click.option("--class", "only", type=click.Choice([*classes.Class]), help="This class alone.")
@click.option("--markdown", is_flag=True, help="As the table of docs/store.md.")
@json_option
def classes_(only: str | None, *, markdown: bool, as_json: bool) -> None:
    """Print the class of every column of every table.

    \b
    Examples:
      telebank store classes
      telebank store classes --class C3
    """
    if markdown:
        click.echo("\n".join(classes.markdown()))
        return
    found = [
        (table, name, of)
        for table, columns in classes.CLASSES.items()
        for name, of in sorted(columns.items())
        if only in {None, of}
    ]
    if as_json:
        rows = [{"table": table, "column": name, "class": of} for table, name, of in found]
        click.echo(json.dumps(rows))
        return
    columns = (Column("table"), Column("column"), Column("class"), Column("is", gives=True))
    show(columns, [(table, name, str(of), WORDS[of]) for table, name, of in found])
