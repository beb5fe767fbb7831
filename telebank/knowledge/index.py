"""Finding articles by their words: an index in memory, made once for a book.

Each field is scored by BM25 (Robertson and Zaragoza 2009, 3.3) and has a weight: title before
subjects before question before answer. Both languages are one text, so that a Chinese page finds
what was typed in English. SQLite's FTS5 scores so too, but has no tokens of two Chinese characters.
"""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice, takewhile

from telebank.knowledge.model import LANGUAGES, Article, Book
from telebank.knowledge.words import asked, fits, tokens

WEIGHTS = (8.0, 5.0, 3.0, 1.0)
"""Of title, subjects, question, answer."""
K1, B = 1.2, 0.4
"""How soon more of a word counts no more; how much longer texts count less."""
BEGINS = 0.6
"""Of a word that only begins with what was asked."""
HERE = 1.5
"""Of articles of the business that the caller is at."""
SHARE = 0.1
"""Of the best: what has less is left out."""
MAX_QUERY = 100
"""Characters of what is asked; more is left out."""
MAX_WORDS = 200
"""Tokens that one beginning may mean."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An article and how well it fits; 0 where nothing was asked."""

    article: Article
    score: float = 0.0


class Shelf:
    """A book that can be searched; never changed, so threads share it."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._articles = tuple(book.articles.values())
        self._counts: dict[str, dict[int, list[int]]] = defaultdict(dict)
        """By token and place of the article: how often in each field."""
        self._lengths: list[tuple[int, ...]] = []
        for place, article in enumerate(self._articles):
            counted = [Counter(token.text for token in tokens(text)) for text in _fields(article)]
            self._lengths.append(tuple(sum(one.values()) for one in counted))
            for word in set().union(*counted):
                self._counts[word][place] = [one[word] for one in counted]
        self._words = sorted(self._counts)
        sums = [sum(column) for column in zip(*self._lengths, strict=True)]
        self._average = [max(1.0, total / len(self._articles)) for total in sums]

    def find(self, query: str, day: date, business: str = "", here: str = "") -> tuple[Hit, ...]:
        """What holds on a day and fits, the best first; of a kind of business, menu or service
        only where one is given. `here`: the menu that the caller is at. Without a word all of the
        business, or else of where the caller is."""
        words = asked(query[:MAX_QUERY])
        if not words:
            about = self.book.about(business or self.book.kind_of(here), day)
            return tuple(map(Hit, about))
        among = {one.id for one in self.book.about(business, day)}
        near = self.book.kind_of(here)
        hits = [
            Hit(article, score * (HERE if near in article.business else 1.0))
            for place, score in self._scores(words).items()
            if (article := self._articles[place]).id in among
        ]
        best = max((hit.score for hit in hits), default=0.0)
        kept = [hit for hit in hits if hit.score >= SHARE * best]
        return tuple(sorted(kept, key=lambda hit: (-hit.score, hit.article.id)))

    def _scores(self, words: tuple[str, ...]) -> dict[int, float]:
        """By place of the article: of all words together, times the share of words it has."""
        sums: dict[int, float] = defaultdict(float)
        matched: Counter[int] = Counter()
        for word in words:
            best: dict[int, float] = defaultdict(float)
            for token in self._meant(word):
                part = 1.0 if token == word else BEGINS
                for place in self._counts[token]:
                    best[place] = max(best[place], part * self._score(token, place))
            for place, score in best.items():
                sums[place] += score
                matched[place] += 1
        return {place: total * matched[place] / len(words) for place, total in sums.items()}

    def _meant(self, word: str) -> Iterator[str]:
        begun = islice(self._words, bisect_left(self._words, word), None)
        same = takewhile(lambda token: token.startswith(word), begun)
        return (token for token in islice(same, MAX_WORDS) if fits(word, token))

    def _score(self, token: str, place: int) -> float:
        having = self._counts[token]
        rare = math.log(1 + (len(self._articles) - len(having) + 0.5) / (len(having) + 0.5))
        total = 0.0
        fields = zip(WEIGHTS, having[place], self._lengths[place], self._average, strict=True)
        for weight, count, length, average in fields:
            total += weight * count * (K1 + 1) / (count + K1 * (1 - B + B * length / average))
        return rare * total


def _fields(article: Article) -> tuple[str, ...]:
    subjects = [word for one in LANGUAGES for word in article.subjects[one]]
    pairs = (article.questions, article.answers)
    rest = ("\n".join(pair[one] for one in LANGUAGES) for pair in pairs)
    return "\n".join(article.titles[one] for one in LANGUAGES), "\n".join(subjects), *rest
