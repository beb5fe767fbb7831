"""Where a text has what was asked for: pieces that are marked and pieces that are not."""

from collections.abc import Sequence

from telebank.knowledge.words import asked, fits, tokens

Piece = tuple[str, bool]
"""A part of a text, and whether it was asked for."""
BEFORE, LONGEST = 24, 120
"""Characters of an excerpt: before what was found, and in all."""


def spans(text: str, query: str) -> list[tuple[int, int]]:
    """From and to, in characters; those that touch are one."""
    words = asked(query)
    found: list[tuple[int, int]] = []
    for token in tokens(text) if words else ():
        if any(fits(word, token.text) for word in words):
            start, end = token.start, _end(token.text, token.start, token.end, words)
            if found and start <= found[-1][1]:
                start, end = found[-1][0], max(end, found.pop()[1])
            found.append((start, end))
    return found


def _end(text: str, start: int, end: int, words: Sequence[str]) -> int:
    """Of a pair that begins with the one character that was asked for: that character."""
    return start + 1 if text not in words and text[0] in words else end


def marked(text: str, query: str) -> list[Piece]:
    """The whole text in pieces."""
    pieces: list[Piece] = []
    last = 0
    for start, end in spans(text, query):
        pieces += [(text[last:start], False), (text[start:end], True)]
        last = end
    return [piece for piece in (*pieces, (text[last:], False)) if piece[0]]


def excerpt(text: str, query: str) -> str:
    """Some of a text, on one line, about the first thing that was asked for; empty where it has
    none."""
    line = " ".join(text.split())
    found = spans(line, query)
    if not found:
        return ""
    start = max(0, found[0][0] - BEFORE)
    while 0 < start < found[0][0] and line[start - 1].isascii() and line[start - 1].isalnum():
        start += 1  # no half of an English word
    cut = line[start : start + LONGEST]
    return f"{'…' if start else ''}{cut}{'…' if start + LONGEST < len(line) else ''}"
