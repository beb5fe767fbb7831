"""`/floor`, the supervisor's screen, and `/wall`, the wallboard: the same board as the desks', seen
whole, and acts on other people's calls, each a right of its own at the node."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, abort, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.desk import acts
from telebank.console.desk.pages import done, stream
from telebank.console.desk.streams import Streams
from telebank.console.floor.picture import DARK, LIGHT, picture
from telebank.console.floor.texts import FLOOR_WORDS
from telebank.console.floor.today import Days
from telebank.console.language import language
from telebank.console.login import logged_in, login_over, no_live, person
from telebank.console.node import Node
from telebank.console.texts import WORDS

LIVE: Final = frozenset(
    {"floor.events", "floor.wall_events", "floor.lines", "floor.today", "floor.arrivals"}
)
"""What a page asks by itself: no act of anybody."""
_DATA: Final = LIVE | {"floor.act", "floor.day"}


class FloorPages:
    """The pages; `gate` stands before them."""

    def __init__(self, node: Node, streams: Streams, days: Days) -> None:
        self._node = node
        self._streams = streams
        self._days = days

    def blueprint(self) -> Blueprint:
        """`/floor`, `/wall` and what is below."""
        pages = Blueprint("floor", __name__)
        pages.before_request(self.gate)
        pages.add_url_rule("/floor", "index", self.index)
        pages.add_url_rule("/floor/events", "events", self.events)
        pages.add_url_rule("/floor/day/<seat>", "day", self.day)
        pages.add_url_rule("/floor/today", "today", self.today)
        pages.add_url_rule("/floor/arrivals.svg", "arrivals", self.arrivals)
        pages.add_url_rule("/floor/act/<act>", "act", self.act, methods=["POST"])
        pages.add_url_rule("/wall", "wall", self.wall)
        pages.add_url_rule("/wall/events", "wall_events", self.wall_events)
        pages.add_url_rule("/wall/lines", "lines", self.lines)
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in, and whether he may watch. Raises `NodeAway`."""
        if not logged_in(self._node, live=request.endpoint in LIVE):
            return no_live() if request.endpoint in _DATA else login_over()
        if not person().may_watch:
            abort(HTTPStatus.FORBIDDEN)
        return None

    def index(self) -> str:
        """The supervisor's page; his rights say which buttons there are."""
        told = WORDS[language()].services  # of a form whose outcome nobody knows
        words = {**FLOOR_WORDS[language()], **{f"service_{name}": told[name] for name in told}}
        return render_template("floor.html", w=words, who=person(), rights=person().floor_rights)

    def events(self) -> AnyResponse:
        """Its stream."""
        return stream(self._node, self._streams, "floor")

    def day(self, seat: str) -> AnyResponse:
        """Somebody's calls of today."""
        return jsonify(self._node.history(person().token, seat[:64]))

    def today(self) -> AnyResponse:
        """Arrivals, answers of seats, calls to look at: from the event log of all nodes."""
        return jsonify(self._days.shown())

    def arrivals(self) -> AnyResponse:
        """Arrivals of a queue, or of all, as a picture; `ground=dark`: for the wall."""
        slots, now = self._days.slots(request.args.get("queue", "")[:64])
        look = DARK if request.args.get("ground") == "dark" else LIGHT
        drawn = picture(slots, now, FLOOR_WORDS[language()], look)
        return Response(drawn, mimetype="image/svg+xml")

    def act(self, act: str) -> AnyResponse:
        """Do it, or say why not."""
        return done(self._node, acts.FLOOR, act, "/v1/floor")

    def wall(self) -> str:
        """The wallboard."""
        return render_template("wall.html", w=dict(FLOOR_WORDS[language()]), who=person())

    def lines(self) -> AnyResponse:
        """What of the node is in use. Raises `NodeAway`."""
        return jsonify(self._node.in_use())

    def wall_events(self) -> AnyResponse:
        """Its stream. Who can only look stays logged in, as a screen on a wall has to."""
        live = bool(person().floor_rights)
        return stream(self._node, self._streams, "wall", live=live)
