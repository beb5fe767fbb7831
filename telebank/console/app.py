"""The console: a page of calls, live, for everybody who reaches it; faxes, the desk, the floor and
the wallboard, for staff who log in.

Reads the store and writes nothing there. What people do goes to the node's control socket with the
token of their login, which is the node's and lives in the browser. Pages are in Chinese or English
by the browser's wish, or by `?lang=`.
"""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, render_template, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from telebank.console import calls, faxes, login
from telebank.console.audit.pages import AuditPages
from telebank.console.desk.customer import CustomerPages
from telebank.console.desk.pages import DeskPages
from telebank.console.desk.services import ServicePages
from telebank.console.desk.streams import STREAMS, Streams
from telebank.console.fax_rows import zone_minutes, zone_name
from telebank.console.floor.pages import FloorPages
from telebank.console.floor.today import Days
from telebank.console.knowledge.pages import KnowledgePages
from telebank.console.language import keep, language, other
from telebank.console.matters.pages import MatterPages
from telebank.console.node import Node
from telebank.console.page_texts import FRAME
from telebank.console.parts import ConsoleParts, Context
from telebank.console.recordings import RecordingPages
from telebank.console.running.days import RunningDays
from telebank.console.running.pages import RunningPages
from telebank.ops.control_client import NodeAway, Refused
from telebank.store.engine import open_read_only

SECURITY_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data:",
            "media-src 'self' blob:",  # a recording is taken whole, then played
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
        )
    ),
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
MAX_BODY = 65_536
"""Largest request body, in bytes; the form with a PDF has more (`FaxPages.gate`)."""
SETTINGS = {
    "SESSION_COOKIE_NAME": "telebank_forms",
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Strict",
    "MAX_CONTENT_LENGTH": MAX_BODY,
    "WTF_CSRF_TIME_LIMIT": None,  # as long as the browser's session
    "WTF_CSRF_SSL_STRICT": False,  # asks for a Referer, which our own policy keeps browsers from
}
_WORDS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.FORBIDDEN: "no_right",
    HTTPStatus.NOT_FOUND: "nothing_here",
    HTTPStatus.METHOD_NOT_ALLOWED: "wrong_way",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
}


def create_app(parts: ConsoleParts) -> Flask:
    """Make the Flask application; raises `FileNotFoundError` where there is no store."""
    app = Flask(__name__)
    app.config.update(SETTINGS, SECRET_KEY=secrets.token_bytes(32))  # of this run: signs forms
    app.session_interface = _Sessions()
    if trusted := parts.options.proxies:
        fixed = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted)
        app.wsgi_app = fixed  # type: ignore[method-assign]  # as Flask documents it
    context = Context(parts, open_read_only(parts.store_url))
    node = Node(parts.socket)
    fax_pages = faxes.FaxPages(context, node)
    app.before_request(fax_pages.gate)  # before a body is read, as the next does
    app.teardown_request(fax_pages.leave)
    CSRFProtect(app)
    keep(app)
    streams = app.extensions[STREAMS] = Streams(parts.options.screens)
    for pages in (
        calls.blueprint(context),
        login.blueprint(node),
        fax_pages.blueprint(),
        DeskPages(node, streams).blueprint(),
        ServicePages(node).blueprint(),
        CustomerPages(node).blueprint(),
        MatterPages(parts, node).blueprint(),
        AuditPages(context, node).blueprint(),
        FloorPages(node, streams, Days(context.engine, parts.zone, parts.now)).blueprint(),
        KnowledgePages(parts, node).blueprint(),
        RecordingPages(node).blueprint(),
        RunningPages(parts, node, RunningDays(context.engine, parts.zone, parts.now)).blueprint(),
    ):
        app.register_blueprint(pages)
    _errors(app, node)
    _frame(app, parts)
    return app


def _frame(app: Flask, parts: ConsoleParts) -> None:
    @app.context_processor
    def frame() -> dict[str, Any]:
        tongue = language()
        return {
            "f": FRAME[tongue],
            "lang": tongue,
            "other": other,
            "who": g.get("person"),
            "refresh_ms": parts.options.refresh_ms,
            "zone": parts.zone,
            "zone_minutes": zone_minutes(parts.zone),
            "zone_name": zone_name(parts.zone),
        }

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class _Sessions(SecureCookieSessionInterface):
    """The cookie of forms, kept to HTTPS where it was given over HTTPS."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Behind a server that speaks TLS too."""
        return request.is_secure


def _errors(app: Flask, node: Node) -> None:
    def notice(words: str, status: int, detail: str = "") -> tuple[str, int]:
        away = status == HTTPStatus.SERVICE_UNAVAILABLE
        who = g.get("person") if away else login.seen_person(node)
        return render_template("notice.html", words=words, detail=detail, who=who), status

    @app.errorhandler(CSRFError)
    def old_form(_error: CSRFError) -> tuple[str, int]:
        return notice("old_form", HTTPStatus.BAD_REQUEST)

    @app.errorhandler(NodeAway)
    def away(_error: NodeAway) -> tuple[str, int]:
        return notice("no_node", HTTPStatus.SERVICE_UNAVAILABLE)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> tuple[str, int]:
        if error.status == HTTPStatus.FORBIDDEN:
            return notice("no_right", error.status)
        return notice("refused", error.status, str(error))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> tuple[str, int] | HTTPException:
        if error.code is None or error.response is not None:
            return error
        words = "no_fax" if error.description == "no_fax" else _WORDS.get(error.code, "broken")
        return notice(words, error.code)
