"""Every route of the console and who may ask it, as data; and a console with the node's own parts
behind it, so that what a role may do is the node's word and no stand-in's.

A route that is not here fails `tests/telebank/console/test_routes.py` with its name.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from flask import Flask
from flask.testing import FlaskClient

from support.console_desk import BEIJING, FAX, Room, hidden
from support.customer_in_hand import STANDING, InHand
from support.desk_house import Desks
from support.desk_place import Lines
from support.fax_jobs import queued
from support.form_counter import CALL, TERMS, FormDesk, edition
from support.staff_house import PLAN, START, House, Person, fresh, open_house
from telebank.agents.options import CentreOptions
from telebank.calls.control.board_feed import BoardFeed
from telebank.calls.control.board_keeper import BoardKeeper
from telebank.calls.control.boards import BoardPart
from telebank.calls.control.customers import CustomerPart
from telebank.calls.control.desk import Counter
from telebank.calls.control.desk_phones import DeskPhonesPart
from telebank.calls.control.faxes import FaxesPart
from telebank.calls.control.floor import FloorPart
from telebank.calls.control.history import HistoryPart
from telebank.calls.control.matters import MattersPart
from telebank.calls.control.playing import PlayingPart
from telebank.calls.control.reviews import ReviewPart
from telebank.calls.control.seating import TellerDesks
from telebank.calls.control.seats import SeatsPart
from telebank.calls.control.server import ControlPart, ControlServer
from telebank.calls.control.services import ServicesPart
from telebank.calls.control.staff import StaffPart
from telebank.calls.control.titles import TitlesPart
from telebank.calls.tellers.recordings import Tapes
from telebank.commands.wiring.knowledge import facts_of
from telebank.console.app import create_app
from telebank.console.desk import acts, services
from telebank.console.options import ConsoleOptions
from telebank.console.parts import ConsoleParts
from telebank.knowledge.source import Source
from telebank.settings import load_settings, seed_dir, store_url
from telebank.store import contacts
from telebank.store.contacts import NewContact
from telebank.store.review.rules import FILE as RULES
from telebank.store.review.rules import load_rules

TELLER, SUPERVISOR, ADMIN, AUDITOR, IT = "teller", "supervisor", "administrator", "auditor", "it"
ROLES = (TELLER, SUPERVISOR, ADMIN, AUDITOR, IT)
ALL = frozenset(ROLES)
DESK = frozenset({TELLER, SUPERVISOR})
FAXERS = DESK | {ADMIN}
WATCHERS = frozenset({SUPERVISOR, ADMIN, AUDITOR})
READERS = DESK | {AUDITOR}
BOSS = frozenset({SUPERVISOR})
AUDITORS = frozenset({AUDITOR})
RUNNERS = frozenset({SUPERVISOR, ADMIN, AUDITOR, IT})
OPEN, LOGIN, SCRIPT = 200, 303, 401
"""What somebody unknown is told: the page itself; the way to the login; a word for a script."""
LANG = ("lang",)


@dataclass(frozen=True)
class Route:
    """One rule and method: who may, and what is the least that it takes."""

    method: str
    rule: str
    who: frozenset[str]
    outside: int
    ok: frozenset[int] = frozenset({200})
    """What whoever may is told: done, or a no of the matter itself and never of his role."""
    path: str = ""
    """An address of it; empty: the rule."""
    query: tuple[str, ...] = LANG
    form: Mapping[str, str] | None = None
    json: Mapping[str, Any] | None = None
    file: bool = False
    """Its form has a paper."""
    stream: bool = False

    @property
    def name(self) -> str:
        """For people who read a failure."""
        return f"{self.method} {self.path or self.rule}"

    @property
    def address(self) -> str:
        """Where it is asked."""
        return self.path or self.rule


def _get(rule: str, who: frozenset[str], outside: int = SCRIPT, **more: Any) -> Route:
    return Route("GET", rule, who, outside, **more)


def _post(rule: str, who: frozenset[str], outside: int = SCRIPT, **more: Any) -> Route:
    return Route("POST", rule, who, outside, **more)


DESK_ACTS: Mapping[str, Mapping[str, Any]] = {
    "enter": {"phone": "8001"},
    "phone": {"sdp": "v=0"},
    "state": {"state": "busy"},
    "call": {"number": "13800138000"},
    "consult": {"to": "seat:zhao"},
    "transfer": {"to": "queue:cards"},
    "note": {"call": CALL},
    **{
        act: {}
        for act in (
            *("answer", "hang_up", "hold", "resume", "consult_end", "three_way", "pin", "menu"),
            *("unlock", "wrapped", "leave"),
        )
    },
}
"""The least body of each act, beside its id."""
FLOOR_ACTS: Mapping[str, Mapping[str, Any]] = {
    **{act: {"seat": "li"} for act in ("monitor", "whisper", "barge", "stop", "intercept")},
    "force": {"seat": "li", "state": "ready"},
    "record": {"seat": "li", "on": True},
}
SERVICE_ACTS: Mapping[str, Mapping[str, Any]] = {
    "quote": {"call": CALL, "service": "transfer.card_to_card", "fields": {}},
    **{act: {"call": CALL, "slip": "slip1"} for act in ("confirm", "told", "say")},
}
SEARCH = {
    **dict.fromkeys(("card", "number", "token", "reference", "teller", "service"), ""),
    "state": "APPROVED",
    "least": "1",
    "most": "1000.50",
    "currency": "CNY",
    "since": "2026-03-01T00:00",
    "until": "2026-04-01T00:00",
    "after": "",
}
"""An auditor's search."""
DONE = frozenset({200, 409})
"""Done, or not as things stand."""
PAGES = (
    _get("/static/<path:filename>", ALL, OPEN, path="/static/console.css"),
    _get("/", ALL, OPEN),
    _get("/calls", ALL, OPEN),
    _get("/livez", ALL, OPEN),
    _get("/login", ALL, OPEN, query=("lang", "next", "ended")),
    _post(
        "/login",
        ALL,
        SCRIPT,
        ok=frozenset({401}),
        query=("lang", "next"),
        form={"name": "nobody", "password": "none", "code": "000000", "next": "/faxes"},
    ),
    _get("/faxes", ALL, LOGIN),
    _get("/faxes/rows", ALL),
    _get("/faxes/<fax>", ALL, LOGIN, path=f"/faxes/{FAX}"),
    _get("/faxes/<fax>/rows", ALL, path=f"/faxes/{FAX}/rows"),
    _get("/faxes/new", FAXERS, LOGIN, query=("lang", "like")),
    _post(
        "/faxes/new",
        FAXERS,
        LOGIN,
        ok=frozenset({303}),
        form={"to": "02055550000", "at": "", "language": "zh", "request": "", "like": ""},
        file=True,
    ),
    _post(
        "/faxes/<fax>/cancel",
        FAXERS,
        LOGIN,
        ok=frozenset({303}),
        path=f"/faxes/{FAX}/cancel",
        form={},
    ),
    _get("/desk", DESK, LOGIN),
    _get("/desk/events", DESK, query=("lang", "after", "busy"), stream=True),
    _post("/desk/here", DESK, ok=frozenset({409}), query=("stream", "busy"), form={}),
    _get("/desk/history", DESK),
    _get("/desk/services", DESK, ok=DONE, query=("call",), path=f"/desk/services?call={CALL}"),
    _get(
        "/desk/services/slip",
        DESK,
        ok=DONE,
        query=("call", "slip"),
        path=f"/desk/services/slip?call={CALL}&slip=slip1",
    ),
    _get("/desk/customer", DESK, ok=DONE, query=("call",), path=f"/desk/customer?call={CALL}"),
    _get("/matters", READERS, LOGIN, query=("lang", "of", "state", "person", "number")),
    _get("/matters/new", DESK, LOGIN, query=("lang", "call")),
    _post(
        "/matters/new",
        DESK,
        LOGIN,
        ok=frozenset({303, 409}),  # of one's own talks alone
        form={
            **dict.fromkeys(("business", "to", "due", "text"), ""),
            "call": CALL,
            "subject": "papers",
            "request_id": "",
        },
    ),
    _get("/matters/<number>", READERS, LOGIN),
    _post(
        "/matters/<number>",
        DESK,
        LOGIN,
        ok=frozenset({303, 409}),
        form={"kind": "note", "text": "he called again", "to": "", "request_id": ""},
    ),
    _get("/audit", AUDITORS, LOGIN),
    _post("/audit/open", AUDITORS, LOGIN, ok=frozenset({303}), form={"of": "010000000007"}),
    _post("/audit/search", AUDITORS, LOGIN, form=SEARCH),
    _post("/audit/sheet", AUDITORS, LOGIN, form=SEARCH),
    _get("/audit/story/<of>", AUDITORS, LOGIN, ok=frozenset({404}), path="/audit/story/01-1-99"),
    _get(
        "/audit/story/<of>/paper", AUDITORS, LOGIN, ok=frozenset({404}), path="/audit/story/1/paper"
    ),
    _get("/audit/unusual", AUDITORS, LOGIN, query=("lang", "since", "days")),
    _get("/floor", WATCHERS, LOGIN),
    _get("/floor/events", WATCHERS, query=("lang", "after"), stream=True),
    _get("/floor/day/<seat>", frozenset({SUPERVISOR, AUDITOR}), path="/floor/day/li"),
    _get("/floor/today", WATCHERS),
    _get("/floor/arrivals.svg", WATCHERS, query=("lang", "queue", "ground")),
    _get("/wall", WATCHERS, LOGIN),
    _get("/wall/events", WATCHERS, query=("lang", "after"), stream=True),
    _get("/wall/lines", WATCHERS),
    _get("/knowledge", ALL, LOGIN, query=("lang", "q", "business", "article", "auto")),
    _get("/knowledge/find", ALL, query=("lang", "q", "business", "here", "auto")),
    _get("/knowledge/article/<id_>", ALL, path="/knowledge/article/enrol", query=("lang", "q")),
    _get("/recordings", DESK, LOGIN, query=("lang", "call", "day", "seat", "name")),
    _get("/running", RUNNERS, LOGIN, query=("lang", "day")),
    _get("/running/calls.svg", RUNNERS, LOGIN, query=("lang", "day")),
    _get("/running/table.csv", RUNNERS, LOGIN, query=("lang", "day")),
    _post("/recordings/play", DESK, ok=frozenset({404, 409}), json={"name": "2026/none.rec"}),
)


def routes(matter: str) -> Iterator[Route]:
    """All of them, each act by itself; `matter` is the number of one. Logging out is the last."""
    for route in PAGES:
        here = {"path": f"/matters/{matter}"} if route.rule == "/matters/<number>" else {}
        yield replace(route, **here)
    kinds = (
        ("/desk/act/<act>", DESK_ACTS, acts.DESK, DESK),
        ("/desk/services/<act>", SERVICE_ACTS, services.ACTS, DESK),
        ("/floor/act/<act>", FLOOR_ACTS, acts.FLOOR, BOSS),
    )
    for rule, bodies, known, who in kinds:
        for act in known:  # one that is not in the table fails here, with its name
            path = rule.replace("<act>", act)
            yield _post(rule, who, ok=DONE, path=path, json={"request_id": "", **bodies[act]})
    yield _post("/logout", ALL, LOGIN, ok=frozenset({303}), form={})


def in_the_table() -> set[tuple[str, str]]:
    """Method and rule of each."""
    return {(route.method, route.rule) for route in routes("")}


def in_the_application(app: Flask) -> set[tuple[str, str]]:
    """What the application answers; HEAD and OPTIONS are Werkzeug's."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@dataclass
class RoutePlace:
    """The console, its node, one person of each role, and a matter."""

    house: House
    app: Flask
    room: Room
    people: dict[str, Person] = field(default_factory=dict)
    """By role."""
    matter: str = ""

    def browser(self, role: str = "") -> FlaskClient:
        """Of somebody who is logged in; without a role, of somebody unknown."""
        client = self.app.test_client()
        if role:
            client.set_cookie("telebank_staff", self.people[role].token)
        return client


@asynccontextmanager
async def route_place(place: Path, **options: Any) -> AsyncIterator[RoutePlace]:
    """A console whose control socket has every part that it asks. li is the teller."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(24))
    node: Any = Lines()
    async with open_house(place, **options) as house:
        counter, zone, keys = Counter(house.desk), house.store.journal.zone, house.store.vault
        room, boards, papers, forms = Desks(), BoardKeeper("boot-1"), Room(place), FormDesk()
        forms.room.caller.exits["transfer.quote"] = ("ok", TERMS)
        control: list[ControlPart] = [
            StaffPart(counter),
            FaxesPart(counter, papers, place),
            BoardPart(counter, boards, room),
            TitlesPart(counter, lambda: edition().release, CentreOptions()),
            ServicesPart(counter, forms.clerk, cast(TellerDesks, room)),
            CustomerPart(counter, InHand(), STANDING),
            DeskPhonesPart(counter, room),
            HistoryPart(counter, keys, zone, house.clock),
            PlayingPart(counter, Tapes(place, keys), room, zone, house.clock),
            MattersPart(counter, keys, BEIJING, house.clock),
            ReviewPart(counter, keys, PLAN),
            FloorPart(counter, room),
            SeatsPart(counter, room, zone, house.clock),
        ]
        feed = BoardFeed(room, boards)
        room.on_change = feed.changed
        feed.start()
        server = ControlServer(node, place / "routes.sock", None, control)
        await server.start()
        knowledge = Source((seed_dir() / "knowledge",), facts_of(load_settings(place / "own")))
        parts = ConsoleParts(
            *(store_url(place), ConsoleOptions(), place, place / "routes.sock", BEIJING),
            resolution="standard",
            now=lambda: house.clock.now,
            knowledge=knowledge,
            unusual=load_rules(seed_dir() / RULES),
        )
        made = RoutePlace(house, create_app(parts), papers)
        try:
            await _people(made)
            yield made
        finally:
            feed.close()
            await server.close()


async def _people(place: RoutePlace) -> None:
    """One of each role, a fax that waits, and a matter of the teller's."""
    house, founders = place.house, {}
    for name, role in (("chen", ADMIN), ("wu", SUPERVISOR)):
        founders[role] = await house.login(await house.found(name, role))
    place.people = dict(founders)
    for name, role in (("li", TELLER), ("sun", AUDITOR), ("zhou", IT)):
        place.people[role] = await house.hire(founders[ADMIN], founders[SUPERVISOR], name, role)
    await queued(house.store, FAX)
    who = ("138******78", "622700******7899", "zh", 2, "loans")
    talk = NewContact("c.1", CALL, "li", "cards", "in", START, START, *who)
    await house.store.journal.run(partial(contacts.begin, new=talk))
    await again(place)


async def again(place: RoutePlace) -> None:
    """Another matter of the teller's."""
    browser = place.browser(TELLER)

    def opened() -> str:
        token = hidden(browser.get("/faxes").text, "csrf_token")
        form = {"call": CALL, "subject": "papers", "request_id": secrets.token_hex(16)}
        answer = browser.post("/matters/new", data=form | {"csrf_token": token})
        assert answer.status_code == 303, answer.text
        page = browser.get("/matters?of=own").text
        return page.partition('href="/matters/01-')[2].partition('"')[0]

    place.matter = f"01-{await asyncio.to_thread(opened)}"


def body_of(route: Route) -> dict[str, Any]:
    """A fresh body: ids are used once."""
    given = dict(route.json if route.json is not None else route.form or {})
    for name in ("request_id", "request"):
        if name in given:
            given[name] = fresh()["request_id"][: 16 if name == "request" else 32]
    return given
