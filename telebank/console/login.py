"""Logins in a browser: the node's token in a cookie that no script reads and no other site
sends."""

import contextlib
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from math import ceil
from typing import Final

import structlog
from flask import (
    Blueprint,
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import validate_csrf
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.forms import kept
from telebank.console.knocks import Knocks
from telebank.console.node import Node, Person
from telebank.ops.control_client import NodeAway, Refused
from telebank.staff.roles import Role

COOKIE: Final = "telebank_staff"
MAX_NAME = 64
KEPT, BY = "kept", "by"
"""In the browser's cookie of forms: a form that was not sent, and whose it is."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
_HERE = re.compile(
    r"/(faxes|desk|floor|wall|knowledge|audit)(/[0-9A-Za-z/-]{0,80})?(\?[0-9A-Za-z=&-]{0,120})?"
)
"""Where a login may lead: pages of staff."""
_ENDED = {"form": "ended_form", "act": "ended_act", "login": "ended_login"}
log = structlog.get_logger("telebank.console")


def blueprint(node: Node) -> Blueprint:
    """`/login` and `/logout`."""
    pages = Blueprint("login", __name__)
    knocks = Knocks()

    @pages.get("/login")
    def form() -> str:
        return _page(_ENDED.get(request.args.get("ended", ""), ""))

    @pages.post("/login")
    def enter() -> AnyResponse | tuple[str, int]:
        wait_s = knocks.wait_s(address(), time.monotonic())
        return _not_now(wait_s) if wait_s else _enter(node, knocks)

    @pages.post("/logout")
    def leave() -> AnyResponse:
        return _leave(node)

    return pages


def _not_now(wait_s: float) -> AnyResponse:
    """Nobody is asked: neither a password nor the node's patience is tried."""
    log.warning("console.login_held", address=address(), wait_s=round(wait_s))
    answer = make_response(_page("busy"), HTTPStatus.TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = str(ceil(wait_s))
    return answer


def _enter(node: Node, knocks: Knocks) -> AnyResponse | tuple[str, int]:
    given = [request.form.get(name, "") for name in ("name", "password", "code")]
    name, password, code = given[0].strip().lower()[:MAX_NAME], given[1], given[2].replace(" ", "")
    try:
        entered = node.login(name, password[:256], code[:16], address())
    except Refused as refused:
        knocks.failed(address(), time.monotonic())
        log.warning("console.login_refused", address=address())
        unknown = refused.status == HTTPStatus.UNAUTHORIZED
        return _page("no_login" if unknown else "not_understood", name), HTTPStatus.UNAUTHORIZED
    except NodeAway as away:
        return _page(_trouble(away), name), HTTPStatus.SERVICE_UNAVAILABLE
    _end(node, _token())  # the login that this browser had
    was = session.get(KEPT, {})
    session.clear()  # what was given to somebody unknown is worth nothing from here on
    session[BY] = name
    if was.get(BY) == name:
        session[KEPT] = was
    first = "desk.index" if entered.role is Role.TELLER else "faxes.index"
    answer, token = redirect(_next() or url_for(first), 303), entered.token
    answer.set_cookie(*(COOKIE, token), httponly=True, samesite="Strict", secure=request.is_secure)
    log.info("console.login", person=name, address=address())
    return answer


def _leave(node: Node) -> AnyResponse:
    """The browser forgets the login, whatever the node says."""
    by, ended = session.get(BY, ""), _end(node, _token())
    session.clear()
    session[BY] = by
    if ended:
        return without_cookie(redirect(url_for("login.form"), 303))
    return without_cookie(make_response(_page("left_alone"), HTTPStatus.SERVICE_UNAVAILABLE))


def _end(node: Node, token: str) -> bool:
    """End a login, where the token is one's; False where the node does not answer."""
    if not token:
        return True
    try:
        who = node.who(token, live=True)
        if who is not None:
            node.logout(token, address())
            log.info("console.logout", person=who.name, address=address())
    except (NodeAway, Refused):
        return False
    return True


def logged_in(node: Node, *, live: bool) -> bool:
    """Find who asks, for `person`. Raises `NodeAway`."""
    token = _token()
    who = node.who(token, live=live) if token else None
    if who is not None:
        g.person = who
    return who is not None


def seen_person(node: Node) -> Person | None:
    """Who looks at this page, if anybody; also where no page of his was found."""
    if "person" not in g:
        with contextlib.suppress(NodeAway, Refused):
            logged_in(node, live=True)
    found: Person | None = g.get("person")
    return found


def no_live() -> AnyResponse:
    """For a page that looks by itself: it loads itself anew, which leads to the login."""
    return Response("login\n", HTTPStatus.UNAUTHORIZED, mimetype="text/plain")


def login_over(back: str = "") -> AnyResponse:
    """The login, and from there back: to this page, or to `back`. What was posted is not done by
    it, and the login says so; as it says that one was over."""
    looks = request.method == "GET"
    here = back or (request.full_path.rstrip("?") if looks else url_for("faxes.index"))
    ended = ("login" if _token() else None) if looks else "form" if back else "act"
    return without_cookie(redirect(url_for("login.form", next=here, ended=ended), 303))


def keep_form(form: Mapping[str, str]) -> None:
    """Keep the fields of a form that was not sent, in the browser, for whoever filled it in; only
    of a form of ours, since other sites can post here too."""
    own = request.headers.get("Sec-Fetch-Site") == "same-origin"
    with contextlib.suppress(ValueError):
        if not own:
            validate_csrf(form.get("csrf_token"))
        session[KEPT] = {**kept(form), BY: session.get(BY, "")}


def without_cookie(answer: AnyResponse) -> AnyResponse:
    """Where the browser brought a login, it forgets it."""
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, httponly=True, samesite="Strict", secure=request.is_secure)
    return answer


def person() -> Person:
    """Who is logged in; after `logged_in`."""
    who: Person = g.person
    return who


def address() -> str:
    """Where the browser is; empty where a server in front of us says what is no address."""
    try:
        return str(ip_address(request.remote_addr or ""))
    except ValueError:
        return ""


def _page(problem: str, name: str = "") -> str:
    """The form; `name` need not be written again."""
    return render_template("login.html", problem=problem, name=name, next=_next() or "")


def _next() -> str | None:
    said = request.values.get("next", "")
    return said if _HERE.fullmatch(said) else None


def _token() -> str:
    said = request.cookies.get(COOKIE, "")
    return said if _TOKEN.fullmatch(said) else ""


def _trouble(away: NodeAway) -> str:
    return "busy" if away.code == "busy" else "store" if away.code.startswith("store") else "away"
