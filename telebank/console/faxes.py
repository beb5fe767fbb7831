"""Pages of faxes, for who is logged in: what goes and went, what came, and sending one with a click
on a number."""

import secrets
import threading
from datetime import UTC, datetime
from http import HTTPStatus

import structlog
from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.fax_seen import Seen
from telebank.console.fax_texts import FAX_WORDS
from telebank.console.forms import MAX_FORM, NotSent, first_fields, read
from telebank.console.login import (
    KEPT,
    address,
    keep_form,
    logged_in,
    login_over,
    no_live,
    person,
)
from telebank.console.node import Node
from telebank.console.options import BESIDE
from telebank.console.parts import Context
from telebank.console.sending import Sender, busy
from telebank.ops.control_client import NodeAway, Refused

SPARE = 2
"""Threads that are never with people who send: they show pages."""
Answer = AnyResponse | tuple[str, int]
LIVE = frozenset({"faxes.rows", "faxes.one_rows"})
"""Pages that ask by themselves: no act of anybody."""
SEND = "faxes.send"
log = structlog.get_logger("telebank.console")


class FaxPages:
    """`/faxes` and what is below, and who gets there; whether somebody may send is the node's to
    say."""

    def __init__(self, context: Context, node: Node) -> None:
        self._zone = context.parts.zone
        self._node = node
        self._seen = Seen(context, node)
        self._sender = Sender(context.parts, node)
        self._slots = threading.BoundedSemaphore(BESIDE - SPARE)

    def blueprint(self) -> Blueprint:
        """The pages; `gate` stands before them."""
        pages, seen = Blueprint("faxes", __name__, url_prefix="/faxes"), self._seen
        pages.add_url_rule("", "index", seen.index)
        pages.add_url_rule("/rows", "rows", seen.rows)
        pages.add_url_rule("/<fax>", "one", seen.page)
        pages.add_url_rule("/<fax>/rows", "one_rows", seen.page_rows)
        pages.add_url_rule("/new", "new", self.new)
        pages.add_url_rule("/new", "send", self.send, methods=["POST"])
        pages.add_url_rule("/<fax>/cancel", "cancel", self.cancel, methods=["POST"])
        return pages

    # -- before a body is read -------------------------------------------------------------------

    def gate(self) -> Answer | None:
        """Whoever asks for these pages is logged in, before more of the request is read than is
        here anyhow; then a form may bring a paper. Raises `NodeAway`."""
        if request.blueprint != "faxes":
            return None
        live = request.endpoint in LIVE
        try:
            known = logged_in(self._node, live=live)
        except NodeAway:
            if request.endpoint != SEND:
                raise
            return self._kept()
        if not known:
            return no_live() if live else self._nobody()
        return self._let_in() if request.endpoint == SEND else None

    def leave(self, _error: BaseException | None = None) -> None:
        """The request is over."""
        if g.pop("sends", False):
            self._slots.release()

    @staticmethod
    def _kept() -> Answer:
        """Nobody knows who it is; what was written is kept for him."""
        keep_form(first_fields(request))
        more = {"who": None, "back": url_for("faxes.new")}
        page = render_template("notice.html", words="no_node_form", **more)
        return page, HTTPStatus.SERVICE_UNAVAILABLE

    def _nobody(self) -> Answer:
        if request.endpoint == SEND:
            keep_form(first_fields(request))
        return login_over(url_for("faxes.new") if request.endpoint == SEND else "")

    def _let_in(self) -> Answer | None:
        if (request.content_length or 0) > MAX_FORM:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return self._again(NotSent("file", "too_big", status=status))
        if not self._slots.acquire(blocking=False):
            return self._again(busy())
        g.sends = True
        request.max_content_length = MAX_FORM
        return None

    def _again(self, wrong: NotSent) -> Answer:
        """The form as it was, without having read its file."""
        return self._seen.form(first_fields(request), wrong), wrong.status

    # -- acts ------------------------------------------------------------------------------------

    def new(self) -> str:
        """The form; to the number of the fax that `like` names, to any, or as it was when a login
        ended meanwhile."""
        if not person().may_fax:
            abort(HTTPStatus.FORBIDDEN)
        was, like = session.pop(KEPT, {}), request.args.get("like", "")
        return self._seen.form({"like": like} if like else was)

    def send(self) -> Answer:
        """Have it sent, and show it; or show the form and what is wrong with it."""
        try:
            fax = self._sent()
        except NotSent as wrong:
            return self._seen.form(request.form, wrong), wrong.status
        except NodeAway as away:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return self._seen.form(request.form, NotSent("", "away", str(away))), status
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                keep_form(request.form)
                return login_over(url_for("faxes.new"))
            return self._seen.form(request.form, _no(refused)), refused.status
        log.info("console.fax_sent", fax=fax, person=person().name, address=address())
        return redirect(url_for("faxes.one", fax=fax), 303)

    def _sent(self) -> str:
        file = request.files.get("file")
        pdf, name = (file.read(), file.filename) if file is not None else (b"", None)
        asked = read(request.form, name, pdf, self._zone, datetime.now(UTC))
        return self._sender.send(asked, person().token, address())

    def cancel(self, fax: str) -> Answer:
        """Stop one; one that has ended is shown as it is."""
        self._seen.fax(fax)
        try:
            self._node.cancel(fax, secrets.token_hex(8), person().token, address())
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                return login_over()
            if refused.code != "ended":
                raise
        log.info("console.fax_cancelled", fax=fax, person=person().name, address=address())
        return redirect(url_for("faxes.one", fax=fax), 303)


_OF_NUMBER = ("denied", "not_allowed", "is_gateway", "no_number", "no_address")
"""Refusals that stand beside the field of the number."""


def _no(refused: Refused) -> NotSent:
    why = "role" if refused.status == HTTPStatus.FORBIDDEN else refused.code
    known = why if why in FAX_WORDS["en"].refusals else "refused"
    field = "to" if known in _OF_NUMBER else ""
    return NotSent(field, known, str(refused), refused.status, over=True)
