"""`/recordings`: one's own recordings, or for who may, others'; played in the page.

The node looks at the right, opens the file, compares it with its checksum, writes into the log that
it is played, and sends the sound; here it passes through and is kept by nobody. The page takes it
whole by one POST, so that one playing is one event.
"""

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from telebank.console.desk.pages import no
from telebank.console.language import language
from telebank.console.login import address, logged_in, login_over, no_live, person
from telebank.console.node import Node
from telebank.console.recording_texts import RECORDING_WORDS
from telebank.ops.control_client import NodeAway, Octets, Refused

MAX_NAME: Final = 255
MAX_ID: Final = 64


class _Play(msgspec.Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(max_length=MAX_NAME)]


class RecordingPages:
    """The pages; `gate` stands before them."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def blueprint(self) -> Blueprint:
        """`/recordings` and what is below."""
        pages = Blueprint("recordings", __name__, url_prefix="/recordings")
        pages.before_request(self.gate)
        pages.add_url_rule("", "index", self.index)
        pages.add_url_rule("/play", "play", self.play, methods=["POST"])
        return pages

    def gate(self) -> AnyResponse | None:
        """Who is logged in, and whether he may hear anything. Raises `NodeAway`."""
        if not logged_in(self._node, live=False):
            return no_live() if request.endpoint == "recordings.play" else login_over()
        if not person().may_hear:
            abort(HTTPStatus.FORBIDDEN)
        return None

    def index(self) -> str:
        """The list. Raises `NodeAway`, `Refused`."""
        who, w = person(), RECORDING_WORDS[language()]
        asked = {name: request.args.get(name, "").strip()[:MAX_ID] for name in ("call", "day")}
        others = request.args.get("seat", who.name).strip()[:MAX_ID]
        seat = others if who.hears_all else who.name
        found = self._node.recordings(who.token, seat=seat, **asked)
        heading = w["own"] if seat == who.name else w["of_seat"].format(seat=seat)
        return render_template(
            "recordings.html",
            w=dict(w),
            who=who,
            rows=[_row(one) for one in found],
            heading=heading if seat else w["everybody"],
            seat=seat,
            wanted=request.args.get("name", "")[:MAX_NAME],
            **asked,
        )

    def play(self) -> AnyResponse:
        """The sound, or why not."""
        try:
            sound = self._node.play(_name(), person().token, address())
        except NodeAway as away:
            return no(HTTPStatus.SERVICE_UNAVAILABLE, away.code or "away", str(away))
        except Refused as refused:
            code = "not_allowed" if refused.status == HTTPStatus.FORBIDDEN else refused.code
            return no(refused.status, code, str(refused))
        answer = Response(_through(sound), mimetype=sound.kind)
        answer.content_length = sound.length
        answer.headers["Cache-Control"] = "no-store"
        answer.call_on_close(sound.close)
        return answer


def _name() -> str:
    """Of the body; empty where it has none, which no recording is called."""
    try:
        return msgspec.json.decode(request.get_data(), type=_Play).name
    except msgspec.DecodeError:
        return ""


def _through(sound: Octets) -> Iterator[bytes]:
    yield from sound


def _row(one: dict[str, Any]) -> dict[str, Any]:
    """With its time and the queue in the page's language."""
    zh, en = one["queue_words"]
    began = datetime.fromisoformat(one["began"])
    seconds = int(one["seconds"])
    return one | {
        "queue": zh if language() == "zh" else en,
        "when": f"{began:%Y-%m-%d %H:%M:%S}",
        "length": f"{seconds // 60}:{seconds % 60:02}",
    }
