"""Articles and kinds of business, as they are after they were read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
Pair = Mapping[Language, str]
BlockKind = Literal["text", "list", "steps"]
_ITEM, _STEP = re.compile(r"- +(.+)"), re.compile(r"[0-9]{1,2}\. +(.+)")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (one line), a list, or steps one after the other."""

    kind: BlockKind
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Business:
    """A kind of business, as people look for it; `flows` are the menus where callers are at it."""

    id: str
    names: Pair
    flows: frozenset[str]


@dataclass(frozen=True, slots=True)
class Article:
    """One question with its answer, in both languages."""

    id: str
    where: str
    """File and line, for who mends it."""
    business: tuple[str, ...]
    """Ids of kinds; the first is where it belongs."""
    services: tuple[str, ...]
    """Of config/services.yaml, whose forms do at a desk what the answer is about."""
    subjects: Mapping[Language, tuple[str, ...]]
    titles: Pair
    questions: Pair
    answers: Pair
    updated: date
    valid_from: date | None = None
    valid_until: date | None = None
    """Its last day."""

    def valid(self, day: date) -> bool:
        """Whether it holds on a day."""
        after = self.valid_from is None or self.valid_from <= day
        return after and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class Book:
    """All of them: articles in the order of their files, by id; kinds in the order of theirs."""

    articles: Mapping[str, Article]
    business: Mapping[str, Business]

    def kind_of(self, flow: str) -> str:
        """The kind of business that a menu is of; empty: of none."""
        return next((kind.id for kind in self.business.values() if flow in kind.flows), "")

    def about(self, business: str, day: date) -> tuple[Article, ...]:
        """What holds on a day of a kind of business, or of a service or menu of it; of all where it
        is empty. What belongs there comes before what touches it."""
        valid = [one for one in self.articles.values() if one.valid(day)]
        if not business:
            order = {name: place for place, name in enumerate(self.business)}
            return tuple(sorted(valid, key=lambda one: order[one.business[0]]))
        kind = business if business in self.business else self.kind_of(business)
        found = [one for one in valid if kind in one.business or business in one.services]
        return tuple(sorted(found, key=lambda one: one.business[0] != kind))


EMPTY = Book(MappingProxyType({}), MappingProxyType({}))


def blocks(answer: str) -> tuple[Block, ...]:
    """An answer's paragraphs, lists (`- …`) and steps (`1. …`). Empty lines part paragraphs; lines
    of one paragraph are joined, in Chinese without a space."""
    found: list[tuple[BlockKind, list[str]]] = []
    open_ = False
    for line in map(str.strip, answer.splitlines()):
        item, step = _ITEM.fullmatch(line), _STEP.fullmatch(line)
        kind: BlockKind = "list" if item else "steps" if step else "text"
        matched = item or step
        if not line:
            open_ = False
        elif matched:
            if not (found and found[-1][0] == kind and open_):
                found.append((kind, []))
            found[-1][1].append(matched[1])
            open_ = True
        elif open_:  # goes on
            lines = found[-1][1]
            lines[-1] += ("" if ord(lines[-1][-1]) > 0x2FFF else " ") + line  # noqa: PLR2004 - CJK
        else:
            found.append((kind, [line]))
            open_ = True
    return tuple(Block(kind, tuple(lines)) for kind, lines in found)
