"""Who asks at the control socket: the token of a request, and acts done once.

The `Counter` stands between aiohttp and the staff desk; every part that needs a person has it.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from aiohttp import web
from sqlalchemy import Connection

from telebank.calls.control.answers import Answers
from telebank.calls.control.common import Reply, origin, os_user, refused, stop
from telebank.calls.control.login import StaffDesk
from telebank.store import people
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.ports import JournalUnavailable, LeaseLost

T = TypeVar("T")
_BEARER = "Bearer "
NOT_KNOWN = "it is not known whether"
"""How the store's writer begins the one failure of which it cannot say what became of the work."""


def no_store(error: JournalUnavailable | LeaseLost) -> tuple[str, str]:
    """Code and words for a store that did not say that it took an act: it did not, or, where the
    connection was lost at COMMIT, nobody knows."""
    if str(error).startswith(NOT_KNOWN):
        return "store_unknown", f"{error}. Look before you say it again; the event log has it if so"
    return "store", f"nothing was changed: {error}"


class Counter:
    """Finds the actor of a request, and runs acts once for each request id."""

    def __init__(self, desk: StaffDesk) -> None:
        self.desk = desk
        self.answers = Answers(desk.options.answers_max)

    def token(self, request: web.Request) -> str:
        """The token that was sent; empty where there is none."""
        header = request.headers.get("Authorization", "")
        return header.removeprefix(_BEARER) if header.startswith(_BEARER) else ""

    async def actor(self, request: web.Request) -> Actor:
        """Who is logged in by the request's token; 401 otherwise, with an event where it
        was an act. `?live=1` is a screen that looks by itself: it keeps no login from idling
        out."""
        act = request.query.get("live") != "1"
        try:
            session = await self.desk.current(self.token(request), act=act)
        except (JournalUnavailable, LeaseLost) as error:
            stop(503, *no_store(error))
        if session is None:
            if request.method == "POST":
                by = Actor(os_user(request), "machine", origin(request))
                await self.run(partial(people.denied, by=by, right="login", of=request.path))
            stop(401, "login_needed", "nobody is logged in here, or too long idle: log in first")
        return Actor(session.person, session.role.value, origin(request))

    async def run(self, work: Callable[[Transaction], T]) -> T:
        """Run a job of the store; 503 where it does not take it."""
        try:
            return await self.desk.run(work)
        except (JournalUnavailable, LeaseLost) as error:
            stop(503, *no_store(error))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Look at the store beside its writer, in a thread; 503 where that cannot be."""
        try:
            return await self.desk.read(work)
        except JournalUnavailable as error:
            stop(503, *no_store(error))

    async def once(
        self, request: web.Request, who: str, request_id: str, work: Callable[[], Awaitable[Reply]]
    ) -> web.Response:
        """Do an act once for this id of this person; the same id and body give the same answer."""
        raw = f"{request.method} {request.path}\n".encode() + await request.read()

        async def guarded() -> Reply:
            try:
                return await work()
            except (JournalUnavailable, LeaseLost) as error:
                return refused(503, *no_store(error))

        reply = await self.answers.once(who, request_id, self.desk.digest(raw), guarded)
        return reply.response()
