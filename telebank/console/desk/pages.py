"""`/desk`: the teller's one screen, its event stream and its acts.

The page is words and places; what it shows comes by `/desk/events` and goes by `/desk/act/…`. The
node owns every call: a page that is loaded anew, or is gone, changes nothing of it.
"""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, abort, jsonify, render_template, request
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.desk import acts
from telebank.console.desk.board_line import BoardLine, Place
from telebank.console.desk.streams import Feed, Streams
from telebank.console.desk.texts import BUSINESS, DESK_WORDS
from telebank.console.desk.titles import all_words, breaks
from telebank.console.language import language
from telebank.console.login import address, logged_in, login_over, no_live, person
from telebank.console.node import Node
from telebank.ops.control_client import NodeAway, Refused

LIVE: Final = frozenset({"desk.events", "desk.here"})
"""What a page asks by itself: no act of anybody."""
AGAIN_S: Final = 5
"""After so many seconds a page that found no node is asked for again."""
_DATA: Final = LIVE | {"desk.act", "desk.history"}
"""What scripts ask: they are told 401 and go to the login themselves."""


class DeskPages:
    """The pages; `gate` stands before them."""

    def __init__(self, node: Node, streams: Streams) -> None:
        self._node = node
        self._streams = streams

    def blueprint(self) -> Blueprint:
        """`/desk` and what is below."""
        pages = Blueprint("desk", __name__, url_prefix="/desk")
        pages.before_request(self.gate)
        pages.register_error_handler(NodeAway, self.away)
        pages.app_context_processor(lambda: {"all_words": partial(all_words, self._node)})
        pages.add_url_rule("", "index", self.index)
        pages.add_url_rule("/events", "events", self.events)
        pages.add_url_rule("/here", "here", self.here, methods=["POST"])
        pages.add_url_rule("/history", "history", self.history)
        pages.add_url_rule("/act/<act>", "act", self.act, methods=["POST"])
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in, and whether he may sit at a desk. Raises `NodeAway`."""
        if not logged_in(self._node, live=request.endpoint in LIVE and not _busy()):
            return no_live() if request.endpoint in _DATA else login_over()
        if not person().may_sit:
            abort(HTTPStatus.FORBIDDEN)
        return None

    def away(self, why: NodeAway) -> AnyResponse | tuple[str, int]:
        """The node does not answer: a page that is opened tries again by itself."""
        if request.endpoint in _DATA:
            return no(HTTPStatus.SERVICE_UNAVAILABLE, why.code or "away", str(why))
        more = {"who": None, "back": request.full_path.rstrip("?"), "again_s": AGAIN_S}
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return render_template("notice.html", words="no_node_desk", **more), status

    def index(self) -> str:
        """The page."""
        words = all_words(self._node, DESK_WORDS[language()])
        lists = {"businesses": BUSINESS, "breaks": breaks(self._node)}
        return render_template("desk.html", w=words, who=person(), **lists)

    def events(self) -> AnyResponse:
        """The stream."""
        return stream(self._node, self._streams, "desk")

    def here(self) -> AnyResponse:
        """A page answers a beat: its seat is present. `busy`: its person did something since."""
        if not self._streams.has(person().token, request.args.get("stream", "")):
            return Response(status=HTTPStatus.CONFLICT)
        self._node.present(person().token)
        return Response(status=HTTPStatus.NO_CONTENT)

    def history(self) -> AnyResponse:
        """Own calls of today."""
        return jsonify(self._node.history(person().token))

    def act(self, act: str) -> AnyResponse:
        """Do it, or say why not."""
        return done(self._node, acts.DESK, act, "/v1/desk")


def stream(node: Node, streams: Streams, screen: str, *, live: bool = True) -> AnyResponse:
    """An event stream for who asks, from where his browser was."""
    token = person().token
    if request.method == "HEAD":  # a page asks why its stream was refused
        return Response(status=HTTPStatus.NO_CONTENT)
    opened = streams.open(token, screen)
    if opened is None:
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "5"})
    line = BoardLine(node.socket, token, live=live)
    browser = request.environ.get("gunicorn.socket")
    feed = Feed(opened, line, browser)
    place = Place.read(request.headers.get("Last-Event-ID", "") or request.args.get("after", ""))
    answer = Response(feed.run(place, generate_csrf()), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"

    @answer.call_on_close
    def shut() -> None:
        line.close()
        streams.shut(opened)

    return answer


def done(node: Node, kinds: Mapping[str, type[acts.Act]], act: str, under: str) -> AnyResponse:
    """One act at the node; the answer's `code` says why not."""
    body = acts.read(kinds, act, request.get_data())
    if body is None:
        return no(HTTPStatus.BAD_REQUEST, "bad_request", "")
    try:
        answer = node.act(f"{under}/{act}", body, person().token, address())
    except NodeAway as away:
        return no(HTTPStatus.SERVICE_UNAVAILABLE, away.code or "away", str(away))
    except Refused as refused:
        code = "not_allowed" if refused.status == HTTPStatus.FORBIDDEN else refused.code
        return no(refused.status, code, str(refused))
    return jsonify(answer)


def _busy() -> bool:
    return request.args.get("busy") == "1"


def no(status: int, code: str, error: str) -> AnyResponse:
    """Why not, for a script."""
    answer: dict[str, Any] = {"code": code, "error": error}
    return Response(jsonify(answer).get_data(), status, mimetype="application/json")
