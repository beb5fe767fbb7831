"""`/knowledge`: articles by words and by business, for everybody of the staff.

The page works without a script; with one it searches as people type. `/knowledge/find` and
`/knowledge/article/…` are parts of it, and of the panel at the desk. What is looked for is in no
log.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.knowledge.rows import opened, row
from telebank.console.knowledge.shelves import Shelves
from telebank.console.knowledge.texts import KNOWLEDGE_WORDS
from telebank.console.language import language
from telebank.console.login import logged_in, login_over, no_live, person
from telebank.console.node import Node
from telebank.console.parts import ConsoleParts
from telebank.console.texts import Language
from telebank.knowledge.index import MAX_QUERY
from telebank.knowledge.model import Article

PARTS: Final = frozenset({"knowledge.find", "knowledge.article"})
"""What scripts ask: they are told 401, and the page goes to the login."""
MAX_NAME = 60
_NUMBER = re.compile(r"\d(?:[ -]?\d){6,}")
"""What is longer is no word: a card, a telephone."""


class KnowledgePages:
    """The pages; `gate` stands before them."""

    def __init__(self, parts: ConsoleParts, node: Node) -> None:
        self._node = node
        self._zone = parts.zone
        self._shelves = Shelves(parts.knowledge)

    def blueprint(self) -> Blueprint:
        """`/knowledge` and what is below; `k` and `k_kinds` in every template."""
        pages = Blueprint("knowledge", __name__, url_prefix="/knowledge")
        pages.before_request(self.gate)
        pages.app_context_processor(self._words)
        pages.add_url_rule("", "index", self.index)
        pages.add_url_rule("/find", "find", self.find)
        pages.add_url_rule("/article/<id_>", "article", self.article)
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in. Raises `NodeAway`."""
        if not logged_in(self._node, live=request.args.get("auto") == "1"):
            if request.endpoint in PARTS:
                return no_live()
            return login_over(url_for("knowledge.index"))
        if not person().may_know:
            abort(HTTPStatus.FORBIDDEN)
        return None

    def index(self) -> str | AnyResponse:
        """The page, with what its address asks for; a number leaves the address at once."""
        if _NUMBER.search(request.args.get("q", "")):
            kept: dict[str, Any] = {
                name: request.args.get(name) for name in ("business", "article")
            }
            return redirect(url_for("knowledge.index", q=_query() or None, **kept))
        id_ = request.args.get("article", "")[:MAX_NAME]
        found = self._article(id_)
        shown = {**self._found(), "gone": bool(id_ and not found), "who": person()}
        return render_template("knowledge.html", **shown, **self._opened(found))

    def find(self) -> str:
        """The list: of words, of a kind of business, of the menu that a caller is at."""
        return render_template("knowledge_list.html", **self._found())

    def article(self, id_: str) -> str:
        """One of them."""
        found = self._article(id_[:MAX_NAME])
        if found is None:
            abort(HTTPStatus.NOT_FOUND)
        return render_template("knowledge_article.html", **self._opened(found))

    def _words(self) -> dict[str, Any]:
        tongue = language()
        return {"k": KNOWLEDGE_WORDS[tongue], "k_kinds": lambda: self._kinds(tongue)}

    def _kinds(self, tongue: Language) -> Sequence[tuple[str, str]]:
        kinds = self._shelves.get().book.business.values()
        return [(one.id, one.names[tongue]) for one in kinds]

    def _article(self, id_: str) -> Article | None:
        found = self._shelves.get().book.articles.get(id_)
        return found if found and found.valid(datetime.now(self._zone).date()) else None

    def _opened(self, found: Article | None) -> Mapping[str, Any]:
        book = self._shelves.get().book
        one = opened(book, found, _query(), language()) if found else None
        return {"one": one}

    def _found(self) -> Mapping[str, Any]:
        shelf, tongue = self._shelves.get(), language()
        business, here = _asked("business", MAX_NAME), _asked("here", MAX_NAME)
        query = _query()
        hits = shelf.find(query, datetime.now(self._zone).date(), business, here)
        kind = business or ("" if query else shelf.book.kind_of(here))
        return {
            "q": query,
            "business": business,
            "kind": shelf.book.business[kind].names[tongue] if kind in shelf.book.business else "",
            "rows": [row(shelf.book, hit, query, tongue) for hit in hits],
            "broken": self._shelves.broken,
        }


def _query() -> str:
    return " ".join(_NUMBER.sub(" ", request.args.get("q", "")).split())[:MAX_QUERY]


def _asked(name: str, most: int) -> str:
    return request.args.get(name, "")[:most].strip()
