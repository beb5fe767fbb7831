"""Every route of the console, from its own table: who may, forms, headers, strings of attackers."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from support.console_desk import COOKIE, blank, hidden, paper
from support.console_routes import (
    AUDITOR,
    DESK_ACTS,
    FLOOR_ACTS,
    ROLES,
    SERVICE_ACTS,
    SUPERVISOR,
    TELLER,
    Route,
    RoutePlace,
    body_of,
    in_the_application,
    in_the_table,
    route_place,
    routes,
)
from telebank.console.app import MAX_BODY
from telebank.console.desk import acts, services
from telebank.store import tables

HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}
MARK = "zq7"
HOSTILE = (
    f"{MARK}' OR '1'='1' --",
    f'{MARK}"; DROP TABLE event; /*',
    f"{MARK}' UNION SELECT 1,2,3 --",
    f"{MARK}\x00",
    f"../../../{MARK}",
    MARK * 3_400,
    f"{MARK}😀\u202e\ufeff",
    f"{MARK}\r\nSet-Cookie: {MARK}=1",
    f"{MARK}{{{{7*7191}}}}${{7*7191}}",
    f'{MARK}"><script>alert("{MARK}")</script>',
    f"{MARK}' onmouseover='alert(1)",
    f"javascript:alert('{MARK}')//",
    "-1",
    "9" * 400,
    "٣",
)
"""Of SQL, paths, headers, templates and scripts; and numbers that are too large or of elsewhere."""
NAMES = ("_scheme", "_external", "_anchor", "_method", "endpoint", "self", "filename", "id_")
"""Parameters that a page could hand on to what makes its links."""
BROKEN = (
    b"",
    b"\xff\xfe",
    b"{",
    b"null",
    b"[" * 50_000,
    b'{"name":' * 8_000,
    b'{"name":"\\ud800"}',
)
"""Bodies that are no JSON that anybody asks for."""


def ask(browser: FlaskClient, route: Route, token: str = "", **more: Any) -> TestResponse:
    """The least valid request, or a changed one; its headers are looked at, whatever comes."""
    given: dict[str, Any] = {"headers": {"X-CSRFToken": token} if token else {}}
    if route.method == "POST" and route.json is not None:
        given["data"] = json.dumps(body_of(route))
        given["content_type"] = "application/json"
    elif route.method == "POST":
        given["data"] = body_of(route)
        if route.file:
            given["data"]["file"] = paper(blank(1))
    path = more.pop("path", route.address)
    answer = browser.open(path, method=route.method, **{**given, **more})
    if route.stream and answer.mimetype == "text/event-stream":
        assert b"event: hello" in next(iter(answer.iter_encoded()))
        answer.close()
    safe(route.name, answer)
    return answer


def safe(name: str, answer: TestResponse) -> None:
    """What every answer has."""
    told = answer.headers
    assert {key: told.get(key) for key in HEADERS} == HEADERS, name
    policy = told["Content-Security-Policy"]
    assert "default-src 'self'" in policy, name
    assert "frame-ancestors 'none'" in policy, name
    assert "unsafe" not in policy, name
    if answer.status_code != 304 and not name.startswith("GET /static/"):
        assert told["Cache-Control"] == "no-store", name
    for cookie in told.getlist("Set-Cookie"):
        assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; ")), name
        assert MARK not in cookie.partition(";")[0], name


def token_of(browser: FlaskClient) -> str:
    return hidden(browser.get("/login").text, "csrf_token")


def test_no_route_is_forgotten() -> None:
    """A new one is written into `support.console_routes`, with who may and what it takes."""
    assert set(DESK_ACTS) >= set(acts.DESK), "acts of the desk that are not in the table"
    assert set(FLOOR_ACTS) == set(acts.FLOOR)
    assert set(SERVICE_ACTS) == set(services.ACTS)


async def test_the_table_is_the_application_and_each_role_gets_what_it_says(
    tmp_path: Path,
) -> None:
    async with route_place(tmp_path) as place:
        there = in_the_application(place.app)
        assert there - in_the_table() == set(), "routes that are not in the table"
        assert in_the_table() - there == set(), "routes of the table that are gone"
        for role in ("", *ROLES):
            wrong = await asyncio.to_thread(_not_as_said, place, role)
            assert not wrong, f"{role or 'somebody unknown'}: {'; '.join(wrong)}"


def _not_as_said(place: RoutePlace, role: str) -> list[str]:
    browser, wrong = place.browser(role), []
    token = token_of(browser)
    for route in routes(place.matter):
        answer = ask(browser, route, token)
        if not role:
            wanted = route.ok if route.outside == 200 or "log" in route.rule else {route.outside}
        else:
            wanted = route.ok if role in route.who else {403}
        if answer.status_code not in wanted:
            wrong.append(f"{route.name}: {answer.status_code}, not {sorted(wanted)}")
        if route.outside == 303 and not role and answer.status_code == 303:
            assert answer.location.startswith("/login"), route.name
    return wrong


async def test_nothing_is_done_without_a_forms_own_token(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:

        def tried() -> None:
            browser, other = place.browser(SUPERVISOR), place.browser(SUPERVISOR)
            mine, foreign = token_of(browser), token_of(other)
            assert mine != foreign
            for route in routes(place.matter):
                if route.method != "POST" or route.file:
                    continue  # a form with a paper is tried below
                for token in ("", "nonsense", foreign, mine[:-1] + "_"):
                    answer = ask(browser, route, token)
                    assert answer.status_code == 400, (route.name, token)
            form = {"to": "02055550000", "request": "0" * 16, "csrf_token": "nonsense"}
            assert browser.post("/faxes/new", data=form).status_code == 400
            assert browser.get("/faxes").status_code == 200, "still logged in"

        await asyncio.to_thread(tried)
        assert place.room.orders == []
        assert place.room.cancelled == []


async def test_a_login_is_new_and_a_fixed_one_is_worth_nothing(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        wu = place.people[SUPERVISOR]
        place.house.clock.forward(30)
        code = wu.code(place.house.clock.now)

        def tried() -> None:
            browser = place.app.test_client()
            browser.set_cookie(COOKIE, "fixed-by-somebody-else")
            before = token_of(browser)
            form = {"name": wu.name, "password": wu.password, "code": code, "csrf_token": before}
            entered = browser.post("/login", data=form)
            safe("login", entered)
            assert entered.status_code == 303
            login = browser.get_cookie(COOKIE)
            assert login is not None
            assert login.value not in ("fixed-by-somebody-else", wu.token)
            late = browser.post("/logout", headers={"X-CSRFToken": before})
            assert late.status_code == 400, "a token of before the login"
            left = browser.post("/logout", headers={"X-CSRFToken": token_of(browser)})
            assert left.status_code == 303
            assert browser.get_cookie(COOKIE) is None
            for dead in (login.value, "fixed-by-somebody-else"):
                browser.set_cookie(COOKIE, dead)
                assert browser.get("/faxes").status_code == 303

        await asyncio.to_thread(tried)


async def test_strings_of_attackers_change_nothing(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:
        before = len(place.house.rows(tables.event))

        def tried() -> None:
            asking = _askers(place)
            for route in routes(place.matter):
                if route.rule == "/logout":
                    continue
                browser, token = asking[SUPERVISOR not in route.who]
                for said, more in _attacks(route):
                    answer = ask(browser, route, token, **more)
                    _harmless(f"{route.name} with {str(more)[:160]}", said, answer)

        await asyncio.to_thread(tried)
        assert len(place.house.rows(tables.event)) >= before > 0
        assert place.browser(TELLER).get("/livez").text == "ok\n"


def _askers(place: RoutePlace) -> tuple[tuple[FlaskClient, str], tuple[FlaskClient, str]]:
    """A supervisor, and for what he may not, the auditor; each with a form's token."""
    boss, auditor = (place.browser(role) for role in (SUPERVISOR, AUDITOR))
    return (boss, token_of(boss)), (auditor, token_of(auditor))


def _attacks(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each parameter, part of the path and field by itself, with each string."""
    bare = route.address.partition("?")[0]
    for said in HOSTILE:
        if "<" in route.rule:
            part = quote(said[:4_000], safe="")
            yield said, {"path": re.sub(r"<[^>]+>", lambda _: part, route.rule)}  # noqa: B023
        yield said, {"path": bare, "query_string": dict.fromkeys(route.query, said)}
        if route.form is not None and not route.file:
            for name in route.form:
                yield said, {"data": {**body_of(route), name: said}}
        elif route.json is not None:
            for name in route.json:
                yield said, {"data": json.dumps({**body_of(route), name: said})}
    if route.file:  # without a paper, which is looked at first
        for said in HOSTILE:
            every = dict.fromkeys(route.form or {}, said)
            yield said, {"data": every}
            yield said, {"data": {**body_of(route), "file": paper(b"%PDF-1.4", said)}}
    for name in NAMES:
        yield MARK, {"path": bare, "query_string": {name: f"{MARK}:"}}
    if route.json is not None:
        for raw in BROKEN:
            yield "", {"data": raw, "content_type": "application/json"}


def _harmless(name: str, said: str, answer: TestResponse) -> None:
    """No fault, no trace, nothing that a browser would run."""
    assert answer.status_code < 500, f"{name}: {answer.status_code}"
    if answer.is_streamed and answer.mimetype == "text/event-stream":
        return
    text = answer.get_data(as_text=True)
    assert "Traceback" not in text, name
    assert str(7 * 7191) not in text, name
    for told in answer.headers.values():
        assert not set("\r\n\0") & set(told), name
    assert "Set-Cookie: " + MARK not in str(answer.headers).replace("%0D%0A", ""), name
    if answer.mimetype in ("text/html", "image/svg+xml"):
        for words in (f'{MARK}"><', f'alert("{MARK}")', f"{MARK}' onmouse"):
            assert words not in text, f"{name}: {words} comes back as it was said"
        assert f'href="{MARK}:' not in text, name
        assert 'href="javascript:' not in text, name
    if answer.location:
        assert re.match(r"(http://localhost)?/(?!/)", answer.location), (
            f"{name}: leads to {answer.location}"
        )


async def test_other_methods_large_bodies_and_many_logins(tmp_path: Path) -> None:
    async with route_place(tmp_path) as place:

        def tried() -> None:
            asking = _askers(place)
            known: dict[str, set[str]] = {}
            whose: dict[str, FlaskClient] = {}
            for route in routes(place.matter):
                known.setdefault(route.address, set()).add(route.method)
                whose[route.address] = asking[SUPERVISOR not in route.who][0]
            for path, methods in known.items():
                browser = whose[path]
                for method in ("TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "BREW"):
                    answer = browser.open(path, method=method)
                    safe(f"{method} {path}", answer) if "static" not in path else None
                    assert answer.status_code in (400, 405), (method, path)
                options = browser.options(path)
                assert options.status_code == 200, path
                assert "Access-Control-Allow-Origin" not in options.headers, path
                if "GET" in methods:
                    head = browser.head(path)
                    assert (head.status_code < 500, head.data) == (True, b""), path
            for route in routes(place.matter):
                if route.method == "POST" and not route.file and route.rule != "/logout":
                    more = {"data": b"x" * (MAX_BODY + 1), "content_type": _kind(route)}
                    browser, token = asking[SUPERVISOR not in route.who]
                    answer = ask(browser, route, token, **more)
                    assert answer.status_code in (400, 413), route.name

        await asyncio.to_thread(tried)
        await asyncio.to_thread(_too_many_tries, place)


def _kind(route: Route) -> str:
    return "application/json" if route.json else "application/x-www-form-urlencoded"


def _too_many_tries(place: RoutePlace) -> None:
    """Ten, then not even the right password; from any browser, and other names go on."""
    wu, li = place.people[SUPERVISOR], place.people[TELLER]

    def tries(who: Any, **changes: str) -> int:
        browser = place.app.test_client()
        place.house.clock.forward(30)
        code = who.code(place.house.clock.now)
        form = {"name": who.name, "password": who.password, "code": code, **changes}
        form["csrf_token"] = token_of(browser)
        answer = browser.post("/login", data=form)
        safe("POST /login", answer)
        return answer.status_code

    assert [tries(wu, password="wrong") for _ in range(10)] == [401] * 10
    assert tries(wu) == 401, "locked"
    assert tries(li) == 303
