"""The desks' part of a control socket without calls behind it: a board by the contract, acts that
move it as a node's would, and callers whom a test sends.

part = DeskStandIn(counter)                 # a `ControlPart`
part.caller("c1", "loans"); part.ring("c1", "li"); part.pin_key("li")
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from telebank.agents.board import AnyRow, Board, CallRow, QueueRow, SeatRow
from telebank.calls.control.board_keeper import BoardKeeper, OfSeat, Whole
from telebank.calls.control.common import refused
from telebank.calls.control.desk import Counter
from telebank.calls.tellers.own_calls import CALLED
from telebank.staff.roles import FLOOR, SIT, WATCH, Role, may
from transactions.approval import Actor

QUEUES = (
    QueueRow(
        key="general",
        zh="综合业务",
        en="General",
        offered_today=41,
        answered_today=36,
        in_time_today=31,
        abandoned_today=3,
        away_today=2,
    ),
    QueueRow(
        key="loans",
        zh="贷款咨询",
        en="Loans",
        offered_today=12,
        answered_today=11,
        in_time_today=11,
        abandoned_today=1,
    ),
    QueueRow(
        key="english",
        zh="英语坐席",
        en="English line",
        offered_today=6,
        answered_today=6,
        in_time_today=5,
    ),
)
PATH = (("主菜单", "Main menu"), ("卡号和密码", "Card and PIN"), ("转账", "Transfer"))
TITLES = {"transfers": ("转账和存款", "Transfers and deposits")}
"""Of flows that the console has no words of its own for."""
LOSS = ("挂失", "Card loss")
"""A queue that no teller here serves: his board has no row of it."""
NUMBERS = {"8001", "8002", "8003", "8004"}
"""Extensions that are registered."""
ALLOWED = "1"
"""What numbers that may be called begin with."""


@dataclass
class DeskStandIn:
    """A `ControlPart`."""

    counter: Counter
    keeper: BoardKeeper = field(default_factory=lambda: BoardKeeper(secrets.token_hex(4)))
    contacts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Call, who, business, words."""
    acts: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Who, act, body."""
    forms: dict[str, Any] = field(default_factory=dict)
    """Of services, as a desk is offered them."""
    seen: list[str] = field(default_factory=list)
    """Seats whose pages were seen."""
    live: list[bool] = field(default_factory=list)
    """Of each look at the board: whether it kept no login."""

    def __post_init__(self) -> None:
        for queue in QUEUES:
            self.keeper.put(queue)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/desk/board", self._board),
            web.get("/v1/desk/history", self._history),
            web.get("/v1/desk/titles", self._titles),
            web.get("/v1/desk/services", self._services),
            web.post("/v1/desk/{act}", self._desk),
            web.post("/v1/floor/{act}", self._floor),
        ]

    # -- what a test does ---------------------------------------------------------------------

    def restart(self) -> None:
        """Another run of the node, with nothing going on."""
        self.keeper = BoardKeeper(secrets.token_hex(4))
        self.__post_init__()

    def seat(self, key: str, phone: str = "8001", state: str = "busy", **more: Any) -> SeatRow:
        """Somebody sits at a desk."""
        queues = tuple(queue.key for queue in QUEUES)
        row = SeatRow(key=key, name=key, state=state, since=now(), phone=phone, queues=queues)
        return self._put(msgspec.structs.replace(row, **more))

    def caller(self, call: str, queue: str = "general", **more: Any) -> CallRow:
        """Somebody waits."""
        row = CallRow(
            key=call,
            state="waiting",
            since=now(),
            began=now(95),
            caller="138****5678",
            language="zh",
            queue=queue,
            level=2,
            customer="6225 **** **** 0418",
            business="transfer",
            path=PATH,
            keys="1 •••••••••••••••• •••••• 2 0",
        )
        self._put(msgspec.structs.replace(row, **more))
        self._count(queue)
        return self.call(call)

    def out(self, seat: str, call: str) -> CallRow:
        """The seat calls somebody; its own telephone rings first."""
        row = CallRow(
            key=call,
            state="ringing",
            since=now(),
            began=now(),
            caller="139****0033",
            language="zh",
            seat=seat,
            direction="out",
        )
        self._put(row)
        self.mood(seat, "talking", call=call)
        return row

    def keeps(self, call: str, **more: Any) -> None:
        """He hangs up and keeps his place."""
        self._turn(self.call(call), "waiting", call_back=True, direction="out", **more)

    def not_reached(self, seat: str, state: str = "ready", **more: Any) -> None:
        """Whom the seat calls is not there: who has a place keeps it."""
        call = self.of(seat)
        if call.call_back:
            self.keeps(call.key, seat="", **more)
        else:
            self.keeper.drop("CallRow", call.key)
        self.mood(seat, state, call="")

    def ring(self, call: str, seat: str, waited_s: float = 25.0) -> None:
        """The seat's telephone rings for him."""
        row = self.call(call)
        self._turn(row, "ringing", seat=seat, waited_s=waited_s)
        self._count(row.queue)
        self.mood(seat, "ringing", call=call)

    def lifts(self, seat: str) -> None:
        """The teller takes the handset: they talk."""
        call = self.of(seat)
        self._turn(call, "talking", recording=True)
        self.mood(seat, "talking", call=call.key)

    def gone(self, seat: str, how: str = "caller") -> None:
        """The talk is over, and the seat wraps up."""
        call = self.of(seat)
        self.contacts.setdefault(seat, []).insert(0, contact(call, seat, how))
        self.keeper.drop("CallRow", call.key)
        row = self.seat_of(seat)
        more = {"calls_today": row.calls_today + 1, "talk_today_s": row.talk_today_s + 184}
        self.mood(seat, "wrap_up", call="", **more)

    def pin_key(self, seat: str, of: int = 6) -> None:
        """The customer presses a key of his PIN."""
        call = self.of(seat)
        n = int(call.pin.split(" ")[0]) + 1
        self._put(msgspec.structs.replace(call, pin=f"{n} of {of}"))

    def pin_over(self, seat: str, result: str = "verified", level: int = 2, **more: Any) -> None:
        """It was looked at."""
        values = {"pin": "", "pin_result": result, "level": level, "recording": True, **more}
        self._turn(self.of(seat), "talking", **values)

    def mood(self, seat: str, state: str, **more: Any) -> None:
        """A seat is in another state."""
        row = self.seat_of(seat)
        values = {"state": state, "since": now(), "reason": "", **more}
        self._put(msgspec.structs.replace(row, **values))

    def seat_of(self, key: str) -> SeatRow:
        """His row."""
        row = self.keeper.row("SeatRow", key)
        assert isinstance(row, SeatRow), key
        return row

    def call(self, key: str) -> CallRow:
        """Its row."""
        row = self.keeper.row("CallRow", key)
        assert isinstance(row, CallRow), key
        return row

    def of(self, seat: str) -> CallRow:
        """The call of a seat."""
        return self.call(self.seat_of(seat).call)

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        """A row of the board, as other parts ask for it."""
        assert for_supervisor
        return self.keeper.row(kind, key)

    def _put(self, row: Any) -> Any:
        self.keeper.put(row)
        return row

    def _turn(self, call: CallRow, state: str, **more: Any) -> None:
        self._put(msgspec.structs.replace(call, state=state, since=now(), **more))

    def _count(self, queue: str) -> None:
        board = self.keeper.look(Whole())
        assert isinstance(board, Board)
        waits = [
            row.since
            for row in board.rows
            if isinstance(row, CallRow) and row.queue == queue and row.state == "waiting"
        ]
        row = self.keeper.row("QueueRow", queue)
        assert isinstance(row, QueueRow)
        new = {"waiting": len(waits), "longest_since": min(waits, default="")}
        new["expected_wait_s"] = 40.0 * len(waits) if waits else None
        self._put(msgspec.structs.replace(row, **new))

    # -- what screens ask ---------------------------------------------------------------------

    async def _board(self, request: web.Request) -> web.Response:
        by = await self.counter.actor(request)
        role, query = Role(by.role), request.query
        if not (may(role, SIT) or may(role, WATCH)):
            return refused(403, "not_allowed", "no board for this role").response()
        self.live.append(query.get("live") == "1")
        if query.get("seat") == "1":
            self.seen.append(by.id)
        view = Whole() if may(role, WATCH) else OfSeat(by.id, self.keeper)
        after = int(query["after"]) if "after" in query else None
        wait = float(query.get("wait", 0))
        found = await self.keeper.wait(view, after, wait, query.get("boot", ""))
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    async def _history(self, request: web.Request) -> web.Response:
        by = await self.counter.actor(request)
        seat = request.query.get("seat", by.id)
        if seat != by.id and not may(Role(by.role), WATCH):
            return refused(403, "not_allowed", "another's calls").response()
        return web.json_response({"contacts": self.contacts.get(seat, [])})

    async def _titles(self, request: web.Request) -> web.Response:
        await self.counter.actor(request)
        queues = {queue.key: (queue.zh, queue.en) for queue in QUEUES} | {"loss": LOSS}
        told = {"business": TITLES, "queues": queues, "skills": {"loss": LOSS}, "breaks": {}}
        return web.json_response(told)

    async def _services(self, request: web.Request) -> web.Response:
        await self.counter.actor(request)
        none = {
            "call": request.query["call"],
            "level": 2,
            "business": "",
            "forms": [],
            "last": None,
        }
        return web.json_response(none | self.forms)

    async def _desk(self, request: web.Request) -> web.Response:
        by = await self.counter.actor(request)
        return self._answer(by, request.match_info["act"], await request.json(), self._act)

    async def _floor(self, request: web.Request) -> web.Response:
        by = await self.counter.actor(request)
        act = request.match_info["act"]
        right = f"floor.{act}"
        if right in FLOOR and not may(Role(by.role), right):
            return refused(403, "not_allowed", "not with this role").response()
        return self._answer(by, act, await request.json(), self._on_floor)

    def _answer(self, by: Actor, act: str, body: dict[str, Any], do: Any) -> web.Response:
        assert len(body.pop("request_id")) >= 8
        self.acts.append((by.id, act, body))
        code = do(by.id, act, body)
        if code:
            return refused(409, code, f"{code}: said by the stand-in").response()
        return web.json_response({"done": True})

    # -- acts of a teller ---------------------------------------------------------------------

    def _act(self, by: str, act: str, body: dict[str, Any]) -> str:
        if act == "enter":
            if body["phone"] not in NUMBERS:
                return "no_phone"
            self.seat(by, body["phone"])
            return ""
        if act != "note" and self.keeper.row("SeatRow", by) is None:
            return "no_seat"
        if act in ("leave", "state", "wrapped", "note", "call"):
            return str(getattr(self, f"_{act}")(by, body))
        if not self.seat_of(by).call:
            return "no_call"
        name = "_answer_it" if act == "answer" else f"_{act}"
        return str(getattr(self, name)(by, body))

    def _leave(self, by: str, _body: dict[str, Any]) -> str:
        self.keeper.drop("SeatRow", by)
        return ""

    def _state(self, by: str, body: dict[str, Any]) -> str:
        if self.seat_of(by).state in ("ringing", "talking", "wrap_up"):
            row = self.seat_of(by)
            self._put(msgspec.structs.replace(row, next_state=body["state"]))
        else:
            self.mood(by, body["state"], reason=body["reason"])
        return ""

    def _call(self, by: str, body: dict[str, Any]) -> str:
        seat = self.seat_of(by)
        if seat.state not in CALLED or seat.call:
            return "wrong_state"
        if not body["number"].startswith(ALLOWED):
            return "unknown_target"
        self.out(by, f"out{len(self.acts)}")
        return ""

    def _wrapped(self, by: str, _body: dict[str, Any]) -> str:
        row = self.seat_of(by)
        if row.state != "wrap_up":
            return "wrong_state"
        self.mood(by, row.next_state or "ready", next_state="")
        return ""

    def _note(self, by: str, body: dict[str, Any]) -> str:
        self.notes.append((body["call"], by, body["business"], body["text"]))
        return ""

    def _answer_it(self, by: str, _body: dict[str, Any]) -> str:
        self.lifts(by)
        return ""

    def _hang_up(self, by: str, _body: dict[str, Any]) -> str:
        self.gone(by, "teller")
        return ""

    def _hold(self, by: str, _body: dict[str, Any]) -> str:
        return self._if(by, ("talking",), "held")

    def _resume(self, by: str, _body: dict[str, Any]) -> str:
        return self._if(by, ("held",), "talking")

    def _consult(self, by: str, body: dict[str, Any]) -> str:
        other = body["to"].removeprefix("seat:")
        return self._if(by, ("talking", "held"), "consulting", others=(other,))

    def _consult_end(self, by: str, _body: dict[str, Any]) -> str:
        return self._if(by, ("consulting", "three_way"), "talking", others=())

    def _three_way(self, by: str, _body: dict[str, Any]) -> str:
        return self._if(by, ("consulting",), "three_way")

    def _transfer(self, by: str, _body: dict[str, Any]) -> str:
        self.gone(by, "transfer")
        return ""

    def _menu(self, by: str, _body: dict[str, Any]) -> str:
        self.gone(by, "menu")
        return ""

    def _pin(self, by: str, _body: dict[str, Any]) -> str:
        more = {"pin": "0 of 6", "pin_result": "", "tries_left": None}
        return self._if(by, ("talking",), "pin", **more)

    def _unlock(self, by: str, _body: dict[str, Any]) -> str:
        more = {"pin": "0 of 4", "step": "identity", "pin_result": "", "tries_left": None}
        return self._if(by, ("talking",), "pin", **more)

    def _if(self, by: str, before: tuple[str, ...], state: str, **more: Any) -> str:
        call = self.of(by)
        if call.state not in before:
            return "wrong_state"
        self._turn(call, state, **more)
        return ""

    # -- acts of a supervisor -----------------------------------------------------------------

    def _on_floor(self, by: str, act: str, body: dict[str, Any]) -> str:
        if self.keeper.row("SeatRow", body["seat"]) is None:
            return "no_seat"
        row = self.seat_of(body["seat"])
        if act == "force":
            if body["state"] == "out":
                self.keeper.drop("SeatRow", row.key)
            else:
                self.mood(row.key, "ready", reason="")
            return ""
        if not row.call:
            return "no_call"
        if act == "record":
            self._put(msgspec.structs.replace(self.call(row.call), recording=body["on"]))
        elif act == "intercept":
            self.gone(row.key, "intercept")
        else:
            watcher = "" if act == "stop" else by
            self._put(msgspec.structs.replace(row, watched_by=watcher))
        return ""


def now(ago_s: float = 0.0) -> str:
    """UTC, so many seconds ago."""
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def contact(call: CallRow, seat: str, how: str, ago_s: float = 0.0) -> dict[str, Any]:
    """A call that was, as the day's list has it."""
    return {
        "id": secrets.token_hex(4),
        "call": call.key,
        "seat": seat,
        "queue": call.queue,
        "began": now(ago_s + 184),
        "ended": now(ago_s),
        "talk_s": 184.0,
        "caller": call.caller,
        "customer": call.customer,
        "business": call.business,
        "how_ended": how,
    }
