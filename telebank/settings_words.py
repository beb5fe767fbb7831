"""Why a setting cannot be read, in words for who writes the file: the key, and what may stand
there."""

import difflib
import re
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

_AT = re.compile(r"(?P<what>.*) - at `\$\.(?P<key>\w+)(?P<rest>.*)`")
_TYPE = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<given>\w+)`")
_FORMS = {
    "array": 'give a list, ["…"]',
    "str": 'give it in quotes, "…"',
    "int": "give a whole number, without quotes",
    "float": "give a number, without quotes",
    "bool": "give true or false, without quotes",
    "object": 'give a table, {"…" = "…"}',
}


def in_words(cls: type[Any], error: str) -> str:
    """What `msgspec` says of a table that is read into an option dataclass, as people write it;
    its own words where there are no better ones."""
    at = _AT.fullmatch(error)
    if at is None:
        return error
    key, what = at["key"], at["what"]
    if what.startswith("Invalid enum value "):
        given = what.removeprefix("Invalid enum value ")
        allowed = " or ".join(f'"{word}"' for word in _words(get_type_hints(cls)[key]))
        return f"{key} has {given}: give {allowed}"
    typed = _TYPE.fullmatch(what)
    form = None if typed is None else _FORMS.get(typed["wanted"].partition(" |")[0])
    if form is None:
        return f"{key}: {what}"
    return f"{key}: {'each value in it: ' * bool(at['rest'])}{form}"


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of an error about a name that is not known: the known one that was meant, or all."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _words(hint: Any) -> list[str]:
    """The words of a `Literal`, wherever it stands in a type."""
    if get_origin(hint) is Literal:
        return [str(word) for word in get_args(hint)]
    return [word for part in get_args(hint) for word in _words(part)]
