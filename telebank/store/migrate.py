"""Bring a database to a revision of its tables, from inside the program."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import OperationalError

from telebank.store.engine import make_file, open_writer
from telebank.store.errors import StoreUnavailable
from telebank.store.options import StoreOptions

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(url: str, revision: str = "head") -> None:
    """Go up to `revision`; does nothing where the database is there already."""
    make_file(url)
    _run(url, revision, up=True)


def downgrade(url: str, revision: str = "base") -> None:
    """Go down to `revision`; rows of tables that it does not have are lost."""
    _run(url, revision, up=False)


def _run(url: str, revision: str, *, up: bool) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = open_writer(url, StoreOptions(), foreign_keys=False)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            (command.upgrade if up else command.downgrade)(config, revision)
    except OperationalError as error:
        raise StoreUnavailable(f"cannot bring the tables up to date: {error.orig}") from error
    finally:
        engine.dispose()
