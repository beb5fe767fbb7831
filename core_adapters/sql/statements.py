"""SQL templates: `{name}` in a statement becomes `?` and a positional parameter."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from core_adapters.profiles.errors import ProfileError

KNOWN_WORDS = frozenset(
    {"request_id", "reference", "stan", "terminal", "acquirer", "channel", "call", "actor"}
    | {"language", "business_date", "reason", "attempt", "timeout_ms", "expiry"}
)
"""What `{@word}` may name: what the gateway knows."""
MAX_STATEMENT = 4_000
_PLACE = re.compile(r"\{(?:(secret):)?(@?)([a-z_]+)(?:\.(currency))?\}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a parameter comes from: an input, the currency of a money input, or what we know.

    `secret` marks the one way in which a secret may become a parameter.
    """

    name: str
    known: bool = False
    currency: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """Text with `?`, and where each of them comes from."""

    text: str
    sources: tuple[Source, ...]


def parse_statement(template: str) -> Statement:
    """Read `SELECT * FROM balance({card})`; raises `ProfileError` saying what to do."""
    if not template.strip() or len(template) > MAX_STATEMENT:
        raise ProfileError(f"a statement has 1 to {MAX_STATEMENT} characters")
    if "?" in template:
        raise ProfileError("write {name} for a parameter, not ?")
    sources: list[Source] = []

    def place(match: re.Match[str]) -> str:
        secret, known, name, part = match.groups()
        if known and (name not in KNOWN_WORDS or secret or part):
            raise ProfileError(f"{{@{name}}}: known are {', '.join(sorted(KNOWN_WORDS))}")
        sources.append(Source(name, bool(known), bool(part), bool(secret)))
        return "?"

    text = _PLACE.sub(place, template)
    _no_leftover(text)
    return Statement(text.strip(), tuple(sources))


def _no_leftover(text: str) -> None:
    """A brace that is neither a parameter nor an ODBC escape is a slip of the pen."""
    for match in re.finditer(r"\{([^}]*)\}?", text):
        if not re.match(r"(?i)\s*(\?\s*=\s*)?(call|d|t|ts|fn|oj|escape)\s", match[1]):
            raise ProfileError(
                "braces hold {name}, {name.currency}, {@word}, {secret:name} or an ODBC escape"
            )


Parameters = tuple[object, ...]
Fill = Callable[[Source], object]


def fill(statement: Statement, value_of: Fill) -> Parameters:
    """Positional parameters."""
    return tuple(value_of(source) for source in statement.sources)
