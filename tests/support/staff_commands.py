"""People at their terminals: the real `telebank` commands against a running node.

desk = Desk(bank.data, tmp_path)
chen = desk.person("chen")
desk.add(chen, "administrator")
desk.login(chen)
desk.run(chen, "host", "resolve", reference, "posted", "--note", "seen").code
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp

from support import store_run


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Its JSON."""
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Person:
    """Somebody with a password file, a telephone and a terminal of his own."""

    name: str
    password: str
    file: Path
    session: Path
    seed: str = field(repr=False, default="")


@dataclass
class Desk:
    """Runs commands on one data folder; `private` is where people keep their files."""

    data: Path
    private: Path

    def person(self, name: str) -> Person:
        """Somebody new to the bank."""
        file = self.private / f"{name}.txt"
        file.touch(mode=0o600)
        file.write_text(f"{name} keeps bees in winter\n")
        return Person(name, file.read_text().strip(), file, self.private / f"{name}.session")

    def run(self, who: Person | None, *words: str, typed: str = "") -> Ran:
        """A command at that person's terminal; `typed` is its standard input."""
        session = who.session if who is not None else self.private / "nobody.session"
        environment = {
            **store_run.inherited(),
            "TELEBANK_DATA": str(self.data),
            "TELEBANK_SESSION": str(session),
        }
        ran = subprocess.run(
            [sys.executable, "-m", "telebank", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            input=typed,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def add(self, new: Person, role: str, by: Person | None = None) -> Ran:
        """One word on adding a person; his telephone keeps the seed where it is shown."""
        words = ["staff", "add", new.name, "--role", role, "--json"]
        if by is None:
            words += ["--password-file", str(new.file)]
        ran = self.run(by, *words)
        _keep_seed(new, ran)
        return ran

    def enrol(self, first: Person, second: Ran, new: Person) -> Ran:
        """The new person, with the proposer's half and the one in the approval's answer."""
        code = self.run(first, "staff", "code", new.name, "--json")
        assert code.code == 0, code
        file = self.private / f"{new.name}.code"
        file.touch(mode=0o600)
        file.write_text(f"{code.json['half']}\n{second.json['half']}\n")
        words = ("--code-file", str(file), "--password-file", str(new.file), "--json")
        ran = self.run(None, "staff", "enrol", new.name, *words)
        _keep_seed(new, ran)
        return ran

    def hire(self, first: Person, second: Person, new: Person, role: str) -> None:
        """Both words, his enrolment and his login."""
        said = [self.add(new, role, by) for by in (first, second)]
        assert [ran.code for ran in said] == [0, 0], said
        enrolled = self.enrol(first, said[1], new)
        assert enrolled.code == 0, enrolled
        self.login(new)

    def login(self, who: Person) -> None:
        """By the code of this moment, which counts once."""
        code = pyotp.TOTP(who.seed).at(datetime.now(UTC))
        words = ("staff", "login", who.name, "--password-file", str(who.file), "--code", code)
        ran = self.run(who, *words)
        assert ran.code == 0, ran


def _keep_seed(new: Person, ran: Ran) -> None:
    if ran.code == 0 and "otpauth" in ran.json:
        new.seed = pyotp.parse_uri(ran.json["otpauth"]).secret
