"""What pages show of articles: texts in pieces, with what was asked for marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from telebank.calls.forms.labels import title_of
from telebank.console.texts import Language
from telebank.knowledge.index import Hit
from telebank.knowledge.marks import Piece, excerpt, marked
from telebank.knowledge.model import Article, BlockKind, Book, blocks


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list."""

    id: str
    kind: str
    title: Sequence[Piece]
    question: Sequence[Piece]
    said: Sequence[Piece]
    """Of the answer, where the question has nothing of what was asked."""
    other: Sequence[Piece]
    """The title in the other language, where only that has it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A whole article."""

    id: str
    kinds: Sequence[str]
    title: Sequence[Piece]
    question: Sequence[Piece]
    blocks: Sequence[tuple[BlockKind, Sequence[Sequence[Piece]]]]
    subjects: Sequence[str]
    services: Sequence[tuple[str, str]]
    """Ids, with what their forms are called."""
    updated: date
    until: date | None


def row(book: Book, hit: Hit, query: str, tongue: Language) -> Row:
    """Of an article that was found."""
    one = hit.article
    title, question = (marked(text[tongue], query) for text in (one.titles, one.questions))
    far: Language = "zh" if tongue == "en" else "en"
    other = marked(one.titles[far], query)
    said = excerpt(one.answers[tongue], query) if not _has(question) else ""
    lacks = not (_has(title) or _has(question) or said)
    return Row(
        one.id,
        book.business[one.business[0]].names[tongue],
        title,
        question,
        marked(said, query),
        other if lacks and _has(other) else (),
    )


def opened(book: Book, one: Article, query: str, tongue: Language) -> Opened:
    """All of it."""
    return Opened(
        one.id,
        [book.business[kind].names[tongue] for kind in one.business],
        marked(one.titles[tongue], query),
        marked(one.questions[tongue], query),
        [
            (block.kind, [marked(line, query) for line in block.lines])
            for block in blocks(one.answers[tongue])
        ],
        one.subjects[tongue],
        [
            (name, title_of(name).en if tongue == "en" else title_of(name).zh)
            for name in one.services
        ],
        one.updated,
        one.valid_until,
    )


def _has(pieces: Sequence[Piece]) -> bool:
    return any(hit for _, hit in pieces)
