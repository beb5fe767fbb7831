"""Words of texts and of what people type, with their places.

Chinese is cut into pairs of characters that stand side by side, which needs no dictionary and
misses no word of two characters or more; English into words, folded: no case, full width as half,
no plural. A number is one word without the commas between thousands.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_WORD = re.compile(
    r"(?P<han>[\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<number>[0-9]+(?:[.,][0-9]+)+)"
    r"|(?P<word>[a-z0-9]+)(?:'s\b)?"
)
_LEAST = 3
"""Letters that a word has at least, before a plural's ending is taken off."""
STOP = frozenset(
    [
        *("a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from"),
        *("has", "have", "how", "i", "if", "in", "is", "it", "my", "of", "on", "or", "that"),
        *("the", "their", "this", "to", "was", "what", "when", "where", "which", "who", "why"),
        *("will", "with", "you", "your"),
    ]
)
"""English words that tell nothing."""


class Token(NamedTuple):
    """A word and where it stands, in characters."""

    text: str
    start: int
    end: int


def folded(text: str) -> str:
    """Without case and width, and as long as it was."""
    return "".join(map(_fold, text))


def _fold(character: str) -> str:
    if character == "’":
        return "'"
    plain = unicodedata.normalize("NFKC", character).casefold()
    return plain if len(plain) == 1 else character


def tokens(text: str) -> Iterator[Token]:
    """Those of a text. A Chinese run ends with its last character alone, so that each character
    begins a token."""
    for found in _WORD.finditer(folded(text)):
        start, end = found.span()
        if found["han"]:
            for at in range(start, end - 1):
                yield Token(found["han"][at - start : at - start + 2], at, at + 2)
            yield Token(found["han"][-1], end - 1, end)
        elif found["number"]:
            yield Token(found["number"].replace(",", ""), start, end)
        else:
            yield Token(_singular(found["word"]), start, found.end("word"))


def asked(query: str) -> tuple[str, ...]:
    """The words that somebody asks for, each once: of a Chinese run its pairs, a character that
    stands alone as it is."""
    found = []
    for token in tokens(query):
        alone = token.end - token.start == 1
        tail = alone and token.start > 0 and _han(query[token.start - 1])
        if token.text not in STOP and not (tail and _han(token.text)):
            found.append(token.text)
    return tuple(dict.fromkeys(found))


def fits(word: str, token: str) -> bool:
    """Whether a word that was asked for means this token: itself, or its beginning where it is a
    Chinese character or at least two letters or figures."""
    if word == token:
        return True
    if not token.startswith(word):
        return False
    return _han(word) if len(word) == 1 else not _han(word[0])


def _han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"


def _singular(word: str) -> str:
    if len(word) <= _LEAST or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word.removesuffix("s")
