"""`/audit`: an auditor searches, and reads one transaction whole, with its proof. Without scripts.

The node is told first that he looks, and writes it into the log; only then is the store read, here,
read-only. Numbers that are typed go to the node in a form, become a token there, and are in no
address and no page.
"""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from telebank.calls.forms.labels import SERVICES
from telebank.console.audit import asked as asking
from telebank.console.audit.asked import Asked, BadSearch
from telebank.console.audit.heard import Prompts
from telebank.console.audit.printed import printed
from telebank.console.audit.sheet import lines as cells
from telebank.console.audit.sheet import sheet
from telebank.console.audit.texts import AUDIT_WORDS
from telebank.console.audit.told import (
    HEX,
    Line,
    Telling,
    lines,
    proof_facts,
    release_of,
    row,
    spots,
    way,
)
from telebank.console.language import language
from telebank.console.login import address, logged_in, login_over, person
from telebank.console.node import Node
from telebank.console.parts import Context
from telebank.ops.control_client import Refused
from telebank.store.review.search import PAGE, Wanted, search
from telebank.store.review.story import MAX_ENTRIES, NAME, Story, story
from telebank.store.review.unusual import Span, unusual
from telebank.store.views import CallRow, find_call
from transactions.lifecycle import State
from transactions.money import CURRENCIES

MOST_IN_SHEET: Final = 5_000
CSV_COLUMNS: Final = (
    *("reference", "at", "service", "state", "amount", "customer", "token", "payee", "channel"),
    *("level", "result", "reason", "settled", "call"),
)
_CARD: Final = re.compile(r"\d(?:[ -]?\d){12,}")
"""What may be a card number, and is not shown again."""
Page = str | tuple[str, int] | AnyResponse


class AuditPages:
    """The pages; `gate` stands before them."""

    def __init__(self, context: Context, node: Node) -> None:
        self._parts = context.parts
        self._engine = context.engine
        self._node = node
        self._prompts = Prompts()

    def blueprint(self) -> Blueprint:
        """`/audit` and what is below."""
        pages = Blueprint("audit", __name__, url_prefix="/audit")
        pages.before_request(self.gate)
        pages.add_url_rule("", "index", self.index)
        pages.add_url_rule("/search", "search", self.search, methods=["POST"])
        pages.add_url_rule("/sheet", "sheet", self.sheet, methods=["POST"])
        pages.add_url_rule("/open", "open", self.open, methods=["POST"])
        pages.add_url_rule("/story/<of>", "story", self.story)
        pages.add_url_rule("/story/<of>/paper", "paper", self.paper)
        pages.add_url_rule("/unusual", "unusual", self.unusual)
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in, and whether he may look. Raises `NodeAway`."""
        if not logged_in(self._node, live=False):
            return login_over(url_for("audit.index"))
        if not person().may_review:
            abort(HTTPStatus.FORBIDDEN)
        return None

    # -- searching ----------------------------------------------------------------------------

    def index(self) -> Page:
        """The empty form. Raises `NodeAway`, `Refused`."""
        self._looks(what="page", of="")
        return self._form(asking.usual(self._parts.now(), self._parts.zone))

    def search(self) -> Page:
        """A page of what fits."""
        try:
            asked = asking.read(request.form, self._parts.zone)
            wanted = self._found("search", asked)
        except BadSearch as bad:
            return self._again(str(bad))
        if wanted is None:
            return self._form(asked.fields, rows=[], unknown=True)
        with self._engine.connect() as connection:
            page = search(connection, wanted)
        t = self._telling()
        fields = {**asked.fields, "token": wanted.customer}
        more = {"rows": [row(one, t) for one in page.rows], "after": asking.after(page.next)}
        return self._form(fields, **more)

    def sheet(self) -> Page:
        """The same as a sheet, all pages of it up to a bound."""
        try:
            asked = asking.read(request.form, self._parts.zone)
            wanted = self._found("csv", asked)
        except BadSearch as bad:
            return self._again(str(bad))
        t = self._telling()
        with self._engine.connect() as connection:
            found = [] if wanted is None else search(connection, wanted, MOST_IN_SHEET).rows
        head = [t.w[name] for name in CSV_COLUMNS]
        text = sheet(head, cells([row(one, t) for one in found], CSV_COLUMNS))
        answer = Response(text, mimetype="text/csv")
        answer.headers["Content-Disposition"] = 'attachment; filename="telebank-audit.csv"'
        return answer

    def open(self) -> Page:
        """The way to a story by what somebody wrote; nothing else comes into an address."""
        of = request.form.get("of", "").strip()
        if NAME.fullmatch(of) is None:
            return self._again("of")
        return redirect(url_for("audit.story", of=of), HTTPStatus.SEE_OTHER)

    # -- a story ------------------------------------------------------------------------------

    def story(self, of: str) -> Page:
        """One transaction, call or entry."""
        found, call = self._story("story", of)
        if found is None:
            return self._again("unknown", HTTPStatus.NOT_FOUND)
        t, told = self._lines(found)
        return render_template(
            "audit_story.html",
            w=t.w,
            who=person(),
            story=found,
            call=call,
            rows=[row(one, t) for one in found.requests],
            lines=told,
            way=way(found, t),
            proof=proof_facts(found, t),
            most=MAX_ENTRIES,
        )

    def paper(self, of: str) -> Page:
        """The same as PDF."""
        found, _ = self._story("paper", of)
        if found is None:
            return self._again("unknown", HTTPStatus.NOT_FOUND)
        t, told = self._lines(found)
        now = self._parts.now().astimezone(self._parts.zone)
        answer = Response(
            printed(found, [row(one, t) for one in found.requests], told, t, now),
            mimetype="application/pdf",
        )
        name = f"telebank-{found.of}.pdf"
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    # -- what is unusual ----------------------------------------------------------------------

    def unusual(self) -> Page:
        """What the rules find in some days."""
        since, days = asking.days(request.args, self._parts.now(), self._parts.zone)
        self._looks(what="unusual", criteria={"since": since.isoformat(), "days": str(days)})
        begin = datetime.combine(since, time(), self._parts.zone)
        span = Span(begin, begin + timedelta(days=days), self._parts.zone)
        with self._engine.connect() as connection:
            answers = unusual(connection, self._parts.unusual, span)
        t = self._telling()
        return render_template(
            "audit_unusual.html",
            w=t.w,
            who=person(),
            answers=answers,
            since=since.isoformat(),
            days=days,
            most=asking.MOST_DAYS,
            time=t.time,
            token_chars=HEX,
        )

    def _story(self, what: str, of: str) -> tuple[Story | None, CallRow | None]:
        """The story and its call, once the log has that it is looked at."""
        if NAME.fullmatch(of) is None:
            self._looks(what=what, of="?")
            return None, None
        self._looks(what=what, of=of)
        with self._engine.connect() as connection:
            found = story(connection, of)
            call = find_call(connection, found.call) if found is not None and found.call else None
        return found, call

    def _lines(self, found: Story) -> tuple[Telling, Sequence[Line]]:
        with self._engine.connect() as connection:
            spoken = self._prompts.spoken(connection, release_of(found), spots(found))
        t = Telling(AUDIT_WORDS[language()], language(), self._parts.zone, spoken)
        return t, lines(found, t)

    # -- what they share ----------------------------------------------------------------------

    def _looks(self, **body: Any) -> str:
        """The log has it when this returns. Raises `NodeAway`, `Refused`."""
        return self._node.looks(body, person().token, address())

    def _found(self, what: str, asked: Asked) -> Wanted | None:
        """The search with its customer; None: nobody has that number. Raises `BadSearch`."""
        body = {"what": what, "criteria": asked.criteria, "token": asked.token}
        try:
            customer = self._looks(**body, card=asked.card, number=asked.number)
        except Refused as refused:
            if refused.status != HTTPStatus.BAD_REQUEST:
                raise
            raise BadSearch(refused.code) from None
        return asked.of(customer) if customer or not asked.named else None

    def _again(self, problem: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Page:
        """The form with what is wrong; numbers are typed anew."""
        usual = asking.usual(self._parts.now(), self._parts.zone)
        given = {name: request.form.get(name, said) for name, said in usual.items()}
        kept = {name: said[: asking.MAX_FIELD] for name, said in given.items()}
        safe = {name: "" if _CARD.search(said) else said for name, said in kept.items()}
        safe["token"] = kept["token"] if asking.TOKEN.fullmatch(kept["token"]) else ""
        return self._form(safe, problem=problem), status

    def _form(self, fields: Any, **more: Any) -> str:
        t = self._telling()
        return render_template(
            "audit.html",
            w=t.w,
            who=person(),
            fields=fields,
            services=[(name, t.service(name)) for name in sorted(SERVICES, key=t.service)],
            states=[(str(one), t.w[f"state_{one}"]) for one in State],
            currencies=[(code, code) for code in CURRENCIES],
            days=asking.MAX_DAYS,
            page=PAGE,
            most=MOST_IN_SHEET,
            **more,
        )

    def _telling(self) -> Telling:
        return Telling(AUDIT_WORDS[language()], language(), self._parts.zone)
