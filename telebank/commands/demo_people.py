"""People of a demo bank, so that its desks can be tried at once: made by `telebank run` while
nobody is on the staff, by the acts with which people make one another, and kept with their
passwords in `DATA/demo-people.json` (mode 0600). A bank in earnest has `telebank serve`."""

import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
import pyotp
from rich.console import Console
from rich.table import Table

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import ControlRefused, call, request_id
from telebank.commands.staff_secrets import say_json
from telebank.staff.roles import Role
from telebank.staff.totp import DIGITS, STEP_S

FILE = "demo-people.json"
MAX_FILE = 64_000
"""Bytes of the file."""
MAX_PEOPLE = 50
_WORDS = (
    *("amber", "basil", "cedar", "delta", "ember", "fjord", "grape", "heron"),
    *("ivory", "juniper", "kettle", "lemon", "maple", "nutmeg", "olive", "pepper"),
    *("quartz", "raven", "saffron", "tulip", "umber", "violet", "walnut", "yarrow"),
)
"""A password has four of them and a number: these people exist on one machine, for a demo."""
_BOUND = 10_000


class DemoPerson(msgspec.Struct, frozen=True):
    """Somebody who can log in."""

    name: str
    full_name: str
    role: Role
    password: str
    seed: str
    """Of the second factor, base32."""

    def __repr__(self) -> str:
        return f"DemoPerson({self.name}, {self.role.value})"

    def code(self, now: float) -> str:
        """The second factor's digits at a time, in seconds since 1970."""
        return pyotp.TOTP(self.seed, digits=DIGITS, interval=STEP_S).at(int(now))


FOUNDERS = (
    ("chen", "陈梅 Chen Mei", Role.ADMINISTRATOR),
    ("wu", "吴刚 Wu Gang", Role.SUPERVISOR),
)
TELLERS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "li": ("李娜 Li Na", {"general": 5, "loss": 5, "lang.zh": 9, "lang.en": 3}),
    "zhao": (
        "赵强 Zhao Qiang",
        {"general": 3, "difficult": 7, "expert": 5, "lang.zh": 9, "lang.en": 7},
    ),
}
"""Names, and what they are good at."""


def people_of(data: Path) -> Sequence[DemoPerson]:
    """Those that were made before; nobody where there is no such file, or it is no such file."""
    try:
        with (data / FILE).open("rb") as stream:
            found = msgspec.json.decode(stream.read(MAX_FILE), type=list[DemoPerson])
    except (OSError, msgspec.DecodeError):
        return ()
    return found[:MAX_PEOPLE]


def make_people(data: Path, clock: Callable[[], float] = time.time) -> Sequence[DemoPerson]:
    """Those of the file, and who is missing there: a start that was cut off made the others only.
    Without a file new ones, where nobody is on the staff yet; nobody, where the bank has people of
    its own. The node at `data` runs. Raises as `control_client.call`, and `OSError`."""
    made = list(people_of(data))
    names = {one.name for one in made}
    if names >= {*(name for name, *_ in FOUNDERS), *TELLERS}:
        return made
    try:
        for name, full_name, role in FOUNDERS:
            if name not in names:
                made.append(_founder(data, name, full_name, role))
                _keep(data, made)
    except ControlRefused:
        return made  # of one who is there already: the bank's own, or lost with the start
    administrator, supervisor = (_login(data, one, clock()) for one in made[: len(FOUNDERS)])
    for name, (full_name, skills) in TELLERS.items():
        if name not in names:
            made.append(_teller(data, name, full_name, administrator, supervisor))
            _keep(data, made)
        body = {"skills": dict(skills), "request_id": request_id()}
        call(data, "POST", f"/v1/staff/{name}/skills", body, supervisor)
    for token in (administrator, supervisor):
        call(data, "POST", "/v1/logout", {}, token)
    return made


def _founder(data: Path, name: str, full_name: str, role: Role) -> DemoPerson:
    password = _password()
    body = _body(name, full_name, role) | {"password": password}
    answer = call(data, "POST", "/v1/staff", body)
    return DemoPerson(name, full_name, role, password, _seed(answer))


def _teller(
    data: Path, name: str, full_name: str, administrator: str, supervisor: str
) -> DemoPerson:
    """Proposed, approved, enrolled with both halves of the code: each asked for anew is given anew
    to who is not enrolled yet."""
    call(data, "POST", "/v1/staff", _body(name, full_name, Role.TELLER), administrator)
    second = call(data, "POST", "/v1/staff", _body(name, full_name, Role.TELLER), supervisor)
    asked = {"request_id": request_id()}
    first = call(data, "POST", f"/v1/staff/{name}/code", asked, administrator)
    password = _password()
    body = {"halves": [first["half"], second["half"]], "password": password}
    body["request_id"] = request_id()
    answer = call(data, "POST", f"/v1/staff/{name}/enrol", body)
    return DemoPerson(name, full_name, Role.TELLER, password, _seed(answer))


def _body(name: str, full_name: str, role: Role) -> dict[str, Any]:
    told = {"name": name, "role": role.value, "full_name": full_name, "note": "demo"}
    return {**told, "request_id": request_id()}


def _seed(answer: Mapping[str, Any]) -> str:
    return pyotp.parse_uri(str(answer["otpauth"])).secret


def _password() -> str:
    words = [secrets.choice(_WORDS) for _ in range(4)]
    return "-".join((*words, str(secrets.randbelow(_BOUND))))


def _login(data: Path, who: DemoPerson, now: float) -> str:
    body = {"name": who.name, "password": who.password, "code": who.code(now)}
    return str(call(data, "POST", "/v1/login", body)["token"])


def _keep(data: Path, people: Sequence[DemoPerson]) -> None:
    """Written anew and renamed: it is never half there."""
    new = data / f"{FILE}.new"
    descriptor = os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(people), indent=1))
    new.rename(data / FILE)


@click.command(name="demo")
@data_option
@json_option
def demo(data: Path, as_json: bool) -> None:
    """The demo bank's people: passwords, and the codes of their second factor at this moment.

    `telebank run` makes them where nobody is on the staff yet. A code is taken once: log in again
    with the next one. There are none at a bank that has people of its own. `seed` of --json is the
    key for an authenticator app (TOTP, six digits, 30 s).

    \b
    Examples:
      telebank staff demo
      telebank staff demo --json | jq -r '.people[] | select(.name == "li") | .code'
    """
    people, now = people_of(data), time.time()
    left = STEP_S - int(now) % STEP_S
    if as_json:
        rows = [{**_shown(one), "code": one.code(now), "seed": one.seed} for one in people]
        say_json({"people": rows, "seconds_left": left})
        return
    if not people:
        raise click.ClickException(
            f"no demo people at {data}: `telebank run` makes them where nobody is on the staff;"
            " `telebank staff add` adds people of your own"
        )
    table = Table("name", "role", "password", f"code ({left} s)")
    for one in people:
        table.add_row(one.name, one.role.value, one.password, one.code(now))
    Console().print(table)


def _shown(one: DemoPerson) -> dict[str, str]:
    shown = {"name": one.name, "full_name": one.full_name, "role": one.role.value}
    return {**shown, "password": one.password}
