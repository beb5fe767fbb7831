"""In which language a command speaks to the person at the terminal.

The English text is the key of its Chinese one, so that code reads as what it prints:

    say = saying(language, {"no lines in use": "当前没有通话"})
    say("no lines in use")
"""

import os
from collections.abc import Callable, Mapping
from typing import Literal

import click

Language = Literal["zh", "en"]
Say = Callable[[str], str]
"""A text, or a template of `str.format`, in the language of who reads."""
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def of_locale(environment: Mapping[str, str]) -> Language:
    """Chinese where the locale is; the first variable that is set counts (POSIX 8.2)."""
    said = next(filter(None, map(environment.get, _VARIABLES)), "")
    return "zh" if said.lower().startswith("zh") else "en"


def saying(language: Language, zh: Mapping[str, str]) -> Say:
    """Says the texts of a command; one that has no Chinese is said as it is."""
    return (lambda text: zh.get(text, text)) if language == "zh" else str


language_option = click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    default=lambda: of_locale(os.environ),
    show_default="as the locale",
    help="Of what is printed.",
)
