"""`/matters`: what is still to be done after talks; lists, one matter, and forms, without scripts.

The node keeps them and decides who sees which; here nothing is kept. A form has an id, so that two
clicks on it are one act.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from telebank.calls.control.matters import MAX_SUBJECT, MAX_WORDS, PATH, STATES
from telebank.console.desk.texts import BUSINESS, DESK_WORDS
from telebank.console.desk.titles import all_words
from telebank.console.language import language
from telebank.console.login import address, logged_in, login_over, person
from telebank.console.matters.texts import MATTER_WORDS
from telebank.console.node import Node
from telebank.console.parts import ConsoleParts
from telebank.ops.control_client import Refused

SIGHTS: Final = ("mine", "own", "groups", "all")
KINDS: Final = ("note", "hand", "result", "close")
MAX_FIELD: Final = 64
_NUMBER: Final = re.compile(r"[0-9]{1,4}-[0-9]{1,20}")
"""Of a matter; nothing else is asked of the node, which has other paths beside them."""
Page = str | tuple[str, int] | AnyResponse


class MatterPages:
    """The pages; `gate` stands before them."""

    def __init__(self, parts: ConsoleParts, node: Node) -> None:
        self._zone = parts.zone
        self._node = node

    def blueprint(self) -> Blueprint:
        """`/matters` and what is below."""
        pages = Blueprint("matters", __name__, url_prefix="/matters")
        pages.before_request(self.gate)
        pages.add_url_rule("", "index", self.index)
        pages.add_url_rule("/new", "new", self.new, methods=["GET", "POST"])
        pages.add_url_rule("/<number>", "one", self.one, methods=["GET", "POST"])
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in, and whether he may see any. Raises `NodeAway`."""
        if not logged_in(self._node, live=False):
            return login_over()
        if not (person().may_matter or person().sees_matters):
            abort(HTTPStatus.FORBIDDEN)
        return None

    def index(self) -> Page:
        """The list. Raises `NodeAway`, `Refused`."""
        who = person()
        sights = [one for one in SIGHTS if who.sees_matters or one != "all"]
        sights = sights if who.may_matter else ["all"]
        asked = {name: _given(name) for name in ("of", "state", "person", "number")}
        asked["of"] = asked["of"] if asked["of"] in sights else sights[0]
        asked["state"] = asked["state"] if asked["state"] in STATES else "open"
        found = self._node.look(f"{PATH}?{urlencode(asked)}", who.token)
        people = {"names": found["names"], "words": self._words()}
        rows = [self._shown(one, **people) for one in found["matters"]]
        return self._page(
            "matters.html", rows=rows, sights=sights, states=list(STATES), asked=asked
        )

    def one(self, number: str) -> Page:
        """One, with what can be done; a POST does it."""
        if _NUMBER.fullmatch(number) is None:
            abort(HTTPStatus.NOT_FOUND)
        path, problem, status = f"{PATH}/{number}", "", HTTPStatus.OK
        if request.method == "POST":
            kind = _given("kind")
            problem = _lacks(kind)
            if not problem:
                body = {"kind": kind, "text": _text("text", MAX_WORDS)}
                problem = self._do(path, body | ({"to": _given("to")} if kind == "hand" else {}))
            if not problem:
                return redirect(url_for("matters.one", number=number), HTTPStatus.SEE_OTHER)
            status = _status(problem)
        try:
            found = self._node.look(path, person().token)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            abort(HTTPStatus.NOT_FOUND)
        people = {"names": found["names"], "words": self._words()}
        matter = self._shown(found, **people)
        entries = [self._entry(one, **people) for one in found["entries"]]
        more = {"entries": entries, "targets": self._targets(), "problem": problem}
        return self._page("matter.html", matter=matter, **more), status

    def new(self) -> Page:
        """The form of a new one; a POST opens it."""
        if not person().may_matter:
            abort(HTTPStatus.FORBIDDEN)
        problem, status = "", HTTPStatus.OK
        if request.method == "POST":
            given = {name: _given(name) for name in ("call", "business", "to", "due")}
            given |= {"subject": _text("subject", MAX_SUBJECT), "text": _text("text", MAX_WORDS)}
            problem = "" if given["subject"].strip() and given["call"] else "empty"
            problem = problem or self._do(PATH, given)
            if not problem:
                return redirect(url_for("matters.index", of="own"), HTTPStatus.SEE_OTHER)
            status = _status(problem)
        talks = self._node.history(person().token)["contacts"]
        contacts = [one | {"when": self._time(one["began"])} for one in talks]
        more = {"contacts": contacts, "targets": self._targets(), "businesses": BUSINESS}
        return self._page("matter_new.html", problem=problem, **more), status

    def _do(self, path: str, body: Mapping[str, str]) -> str:
        """One act at the node; the code of why not, or nothing."""
        told = {"request_id": _given("request_id"), **body}
        try:
            self._node.act(path, told, person().token, address())
        except Refused as refused:
            return "not_allowed" if refused.status == HTTPStatus.FORBIDDEN else refused.code
        return ""

    def _targets(self) -> Mapping[str, Any]:
        if not person().may_matter:
            return {"people": {}, "skills": []}
        return self._node.look(f"{PATH}/targets", person().token)

    def _words(self) -> Mapping[str, str]:
        tongue = language()
        return {**all_words(self._node, DESK_WORDS[tongue]), **MATTER_WORDS[tongue]}

    def _page(self, template: str, **more: Any) -> str:
        given = request.values
        return render_template(
            template,
            w=self._words(),
            who=person(),
            given=given,
            fresh=secrets.token_hex(16),
            most={"subject": MAX_SUBJECT, "text": MAX_WORDS},
            **more,
        )

    # -- what is shown ------------------------------------------------------------------------

    def _shown(
        self, one: Mapping[str, Any], *, names: Mapping[str, str], words: Mapping[str, str]
    ) -> dict[str, Any]:
        return {
            **one,
            "holder": held_by(one["holder"], names, words),
            "opened_by": names.get(one["opened_by"], one["opened_by"]),
            **{name: self._time(one[name]) for name in ("opened_at", "changed_at", "due_at")},
        }

    def _entry(
        self, one: Mapping[str, Any], *, names: Mapping[str, str], words: Mapping[str, str]
    ) -> dict[str, Any]:
        to = held_by(one["to"], names, words) if one["to"] else ""
        return {**one, "at": self._time(one["at"]), "by": names.get(one["by"], one["by"]), "to": to}

    def _time(self, text: str | None) -> str:
        """On the bank's clock, to the second."""
        if not text:
            return ""
        return f"{datetime.fromisoformat(text).astimezone(self._zone):%Y-%m-%d %H:%M:%S}"


def held_by(holder: str, names: Mapping[str, str], words: Mapping[str, str]) -> str:
    """A person or a group in words; a skill that no queue asks for has none but its own."""
    kind, _, name = holder.partition(":")
    if kind == "skill":
        return words["group"].format(skill=words.get(f"skill_{name}", name))
    return names.get(name, name)


def _status(problem: str) -> HTTPStatus:
    return HTTPStatus.FORBIDDEN if problem == "not_allowed" else HTTPStatus.CONFLICT


def _lacks(kind: str) -> str:
    """What a form lacks that nobody need ask the node about."""
    if kind not in KINDS:
        return "bad_request"
    if kind in ("note", "result") and not _text("text", MAX_WORDS).strip():
        return "empty"
    return "to" if kind == "hand" and not _given("to") else ""


def _given(name: str) -> str:
    return request.values.get(name, "").strip()[: MAX_FIELD + 1]


def _text(name: str, most: int) -> str:
    """As written; a browser ends lines with CR LF (HTML, form submission)."""
    return request.values.get(name, "").replace("\r\n", "\n")[:most]
