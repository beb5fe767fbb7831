"""How both databases run the lists that people look at, over tables that have grown: by an index,
never through the table."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, insert, text

from support.store_kit import NOON, open_store
from telebank.settings import store_url
from telebank.store import customer_looks, matter_views, recording_views, tables
from telebank.store.engine import open_read_only, open_writer
from telebank.store.matter_tables import matter
from telebank.store.matter_views import Wanted
from telebank.store.matters import CLOSED, OPEN, SEAT, SKILL
from telebank.store.options import StoreOptions
from telebank.store.recording_views import Began
from telebank.store.seat_tables import contact, recording, staff_skill
from transactions.approval import Actor

MANY, SEATS = 4_000, 400
LI = Actor("s1", "teller", "control")
HOLDERS, OPENERS, STATES = "ix_matter_holder", "ix_matter_opened_by", "ix_matter_state"
Look = Callable[[Connection], Any]


def matters_of(wanted: Wanted) -> Look:
    return partial(matter_views.listed, wanted=wanted, by=LI)


def recordings_of(seat: str, call: str = "") -> Look:
    since = NOON if seat or call else NOON + timedelta(seconds=MANY - 20)
    wanted = Began(since, NOON + timedelta(days=31), seat, call)
    return partial(recording_views.listed, wanted=wanted)


def of_customer(connection: Connection) -> Any:
    return connection.execute(customer_looks.TALKED, {"who": "token-1"}).all()


LISTS: Sequence[tuple[str, Look, set[str]]] = (
    ("mine", matters_of(Wanted()), {HOLDERS, OPENERS}),
    ("mine of any state", matters_of(Wanted(state="")), {HOLDERS, OPENERS}),
    ("own closed", matters_of(Wanted("own", CLOSED)), {HOLDERS, OPENERS}),
    ("of groups", matters_of(Wanted("groups", CLOSED)), {HOLDERS}),
    ("all closed", matters_of(Wanted("all", CLOSED)), {STATES}),
    ("all", matters_of(Wanted("all", "")), {STATES}),
    ("of a person", matters_of(Wanted("all", "", "s2")), {HOLDERS, OPENERS}),
    ("one number", matters_of(Wanted("all", "", "", "01-000007")), set()),
    ("a seat's recordings", recordings_of("s1"), {"ix_recording_seat"}),
    ("a call's recordings", recordings_of("", "01-7"), {"ix_recording_call"}),
    ("recordings", recordings_of(""), {"ix_recording_began"}),
    ("talks of a customer", of_customer, {"ix_contact_customer"}),
)


def fill(url: str) -> None:
    """Matters nearly all closed, recordings and talks of many people, and figures of them."""
    engine = open_writer(url, StoreOptions())
    times = [NOON + timedelta(seconds=number) for number in range(MANY)]
    with engine.begin() as connection:
        person = {"name": "Li", "role": "teller", "state": "active", "password": "hash"}
        person |= {"totp_key_id": "k", "totp_ciphertext": b"", "totp_step": 0, "wrong": 0}
        person |= {"created_at": NOON, "created_by": "chen", "changed_at": NOON}
        connection.execute(insert(tables.staff), [person | {"id": LI.id}])
        skills = [{"staff": LI.id, "skill": f"skill{one}", "level": 5} for one in range(2)]
        connection.execute(insert(staff_skill), skills)
        for table, made in ((matter, _matter), (contact, _contact), (recording, _recording)):
            connection.execute(insert(table), [made(*one) for one in enumerate(times)])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _matter(number: int, at: Any) -> dict[str, Any]:
    seat = f"s{number % SEATS}"
    holder = f"{SKILL}skill{number % SEATS}" if number % 3 else SEAT + seat
    row: dict[str, Any] = {"number": f"01-{number:06d}", "contact": "c", "call": f"01-{number}"}
    row |= {"business": "", "card_masked": "", "subject_key_id": "", "subject_ciphertext": b""}
    row |= {"opened_at": at, "opened_by": seat, "state": OPEN if number % 7 == 1 else CLOSED}
    return row | {"holder": holder, "entries": 1, "changed_at": at}


def _contact(number: int, at: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"id": f"c.{number}", "node": "01", "epoch": 1, "call": f"01-{number}"}
    row |= {"seat": f"s{number % SEATS}", "queue": "cards", "direction": "in", "began": at}
    row |= {"answered": None if number == 1 else at, "hold_s": 0, "wrap_s": 0, "level": 0}
    row |= {"customer": f"token-{number % 1_000}", "card_masked": "", "caller_masked": ""}
    row |= {"language": "zh", "business": "", "how_ended": "caller"}
    return row | {"note_key_id": "", "note_ciphertext": b""}


def _recording(number: int, at: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"name": f"{number}.rec", "node": "01", "epoch": 1, "by": "system"}
    row |= {"call": f"01-{number}", "contact": f"c.{number}", "seat": f"s{number % SEATS}"}
    row |= {"began": at, "milliseconds": 1, "sha256": "", "sealed_sha256": "", "size": 1}
    return row | {"key_id": "k", "marks": [], "cut": False, "why": "", "state": "kept"}


def plan_of(engine: Engine, look: Look) -> str:
    """How the statements of a look are run that read what grows."""
    ran: list[tuple[str, Any]] = []

    def seen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        ran.append((statement, values))

    event.listen(engine, "before_cursor_execute", seen)
    with engine.connect() as connection:
        look(connection)
    event.remove(engine, "before_cursor_execute", seen)
    grows = [one for one in ran if any(name in one[0] for name in ("matter", "contact"))]
    assert grows, ran
    said = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    lines = []
    with engine.connect() as connection:
        for statement, values in grows:
            found = connection.exec_driver_sql(f"{said} {statement}", values)
            lines += [str(row[-1]) for row in found]
    return "\n".join(lines)


async def test_lists_of_what_grows(place: Path) -> None:
    async with open_store(place):
        pass
    fill(store_url(place))
    engine = open_read_only(store_url(place))
    by_an_index(engine)
    the_newest_of_all_that_is_asked(engine)
    with engine.connect() as connection:
        began = [row.began for row in of_customer(connection)]
    assert began == sorted(began, reverse=True), "one that nobody answered is no newer for it"
    assert len(began) == MANY // 1_000
    engine.dispose()


def by_an_index(engine: Engine) -> None:
    through = "SCAN" if engine.dialect.name == "sqlite" else "Seq Scan on"
    for name, look, indexes in LISTS:
        plan = plan_of(engine, look)
        for table in (matter, recording):  # talks beside them by their key, or as it likes
            assert f"{through} {table.name}" not in plan, f"{name}:\n{plan}"
        for index in indexes:
            assert index in plan, f"{name}:\n{plan}"


def the_newest_of_all_that_is_asked(engine: Engine) -> None:
    rows = [_matter(number, number) for number in range(MANY)]

    def newest(wanted: Wanted) -> list[str]:
        mine = {f"{SKILL}skill0", f"{SKILL}skill1"}
        sights: dict[str, Callable[[Any], bool]] = {
            "own": lambda row: LI.id == row["opened_by"] or row["holder"] == SEAT + LI.id,
            "groups": lambda row: row["holder"] in mine,
            "all": lambda _row: True,
        }
        sights["mine"] = lambda row: sights["own"](row) or sights["groups"](row)
        of = (wanted.person, SEAT + wanted.person)
        found = [
            row["number"]
            for row in rows
            if sights[wanted.sight](row)
            and wanted.state in ("", row["state"])
            and wanted.number in ("", row["number"])
            and (not wanted.person or row["opened_by"] == of[0] or row["holder"] == of[1])
        ]
        return sorted(found, reverse=True)[: matter_views.MAX_LISTED]

    with engine.connect() as connection:
        for sight in ("mine", "own", "groups", "all"):
            for state in ("", OPEN, CLOSED):
                for person, number in (("", ""), ("s1", ""), ("s2", ""), ("", "01-000001")):
                    wanted = Wanted(sight, state, person, number)  # type: ignore[arg-type]
                    found = matter_views.listed(connection, wanted, LI)
                    assert [one.number for one in found] == newest(wanted), wanted
        assert matter_views.names(connection, {"s1", "nobody"}) == {"s1": "Li"}
