"""A bank whose core host is a database: a node with `adapter = "sql"`, and the demo's tables.

with SqlBankProcess.open(tmp_path, voice, "postgresql") as bank:
    bank.node                       # a `BankProcess`: phones, control socket, kill and restart
    bank.held(card)                 # fen, at the database
    with bank.books.locked(card):   # somebody else's transaction holds the account
        bank.kill_waiting()         # ends the node's connection that waits for it
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from core_adapters.conformance.sql_demo import DEMOS, PG_PORT, DemoBank
from core_adapters.corehost.seed import SeedCard
from support.bank_process import BankProcess, Voice
from support.corehost_process import CoreHostProcess, trial_cards
from telebank.commands.host.certify_people import demo_people
from telebank.settings import seed_dir
from transactions.card import CardNumber

WAIT_S = 90.0
WITHOUT_PORT = """import sys
at = sys.argv.index("--host-port")
del sys.argv[at : at + 2]
from telebank.main import main
main()
"""
LAUNCHER = (sys.executable, "-c", WITHOUT_PORT)
"""Every `BankProcess` gives its node the port of a core host; a database has none."""


@dataclass(frozen=True)
class NoCoreHost:
    """In the place of the core host's process: its test cards, and nothing that listens."""

    cards: list[SeedCard]
    port: int = 1


@dataclass
class SqlBankProcess:
    """One node and one database."""

    node: BankProcess
    books: DemoBank

    @classmethod
    @contextlib.contextmanager
    def open(
        cls, data: Path, voice: Voice, dialect: str, recovery: str = "query"
    ) -> Iterator[Self]:
        """Start both; a transfer whose outcome is unknown is settled by `recovery`."""
        folder = data / "corehost"  # the bank's own, not the node's
        folder.mkdir(parents=True)
        voice.lend(data)
        _contracts(data, recovery)
        with DEMOS[dialect](folder, demo_people()) as books:
            _settings(data, dialect, _direct(books))
            host = cast("CoreHostProcess", NoCoreHost(trial_cards()))
            node = BankProcess(data, voice, {}, host, LAUNCHER)
            try:
                node.run()
                yield cls(node, books)
            finally:
                node.stop()

    def held(self, who: SeedCard) -> int:
        """Fen on a card."""
        account = "(SELECT account FROM {t}card WHERE number = ?)"
        rows = self.books.query(f"SELECT minor FROM {{t}}account WHERE id = {account}", who.card)
        return int(rows[0][0])

    def locked(self, who: SeedCard) -> contextlib.AbstractContextManager[None]:
        """Another customer's transaction holds the account."""
        return self.books.locked(CardNumber(who.card))

    def waiting(self) -> list[Any]:
        """Server processes of the node's connections that wait for a lock (PostgreSQL)."""
        return self.books.query(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'telebank_gateway'"
            " AND wait_event_type = 'Lock'"
        )

    def kill_waiting(self) -> None:
        """End the connection that waits for a lock, once there is one."""
        deadline = time.monotonic() + WAIT_S
        while not (found := self.waiting()):
            assert time.monotonic() < deadline, "no statement of the node waits for a lock"
            time.sleep(0.01)
        for row in found:
            self.books.query("SELECT pg_terminate_backend(?)", row[0])


def _direct(books: DemoBank) -> str:
    """As the kit connects, without its relay and with an ordinary wait for locks."""
    text = books.database.connection.partition("ConnSettings")[0]
    if isinstance(books.database.wire, str):
        folder = str(Path(books.database.wire).parent)
        text = text.replace("{host}", folder).replace("{port}", str(PG_PORT))
    return text.replace("Timeout=250", "Timeout=8000")


def _contracts(data: Path, recovery: str) -> None:
    text = (seed_dir() / "services.yaml").read_text(encoding="utf-8")
    before, transfer, after = text.partition("  transfer.card_to_card:")
    assert "recovery: reverse" in after.partition("\n\n")[0]
    path = data / "config" / "services.yaml"
    path.parent.mkdir(parents=True)
    after = after.replace("recovery: reverse", f"recovery: {recovery}", 1)
    path.write_text(before + transfer + after, encoding="utf-8")


def _settings(data: Path, dialect: str, connection: str) -> None:
    (data / "config" / "telebank.toml").write_text(
        f"""schema = 1
[node]
host = "ourbank"
[transactions]
retry_first_s = 0.2
retry_cap_s = 1.0
[hosts.ourbank]
adapter = "sql"
profile = "sql-demo"
dialect = "{dialect}"
connection = '{connection}'
workers = 3
backoff_max_s = 1.0
""",
        encoding="utf-8",
    )
