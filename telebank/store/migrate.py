"""Bring a database to a revision of its tables, from inside the program."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from telebank.store.engine import is_sqlite, make_file, open_writer
from telebank.store.errors import StoreUnavailable, said
from telebank.store.options import StoreOptions
from telebank.store.postgresql import lock_migrations

ADVICE = "does the server run, and has the user of [store] url the rights of docs/store.md?"
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(url: str, revision: str = "head") -> None:
    """Go up to `revision`; does nothing where the database is there already."""
    make_file(url)
    _run(url, revision, up=True)


def downgrade(url: str, revision: str = "base") -> None:
    """Go down to `revision`; rows of tables that it does not have are lost."""
    _run(url, revision, up=False)


def known_revisions() -> tuple[str, ...]:
    """Of the tables, those that this program has or can go up from; the newest first."""
    return tuple(one.revision for one in ScriptDirectory(str(SCRIPTS)).walk_revisions())


def _run(url: str, revision: str, *, up: bool) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = open_writer(url, StoreOptions(), foreign_keys=False)
    try:
        with engine.begin() as connection:
            lock_migrations(connection)
            config.attributes["connection"] = connection
            (command.upgrade if up else command.downgrade)(config, revision)
    except (IntegrityError, OperationalError, ProgrammingError) as error:
        what = f"cannot bring the tables up to date: {said(error)}"
        raise StoreUnavailable(what if is_sqlite(url) else f"{what}; {ADVICE}") from error
    finally:
        engine.dispose()
