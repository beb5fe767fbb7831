"""What can go wrong with the node's own storage."""

from sqlalchemy.exc import DBAPIError

from transactions.ports import JournalUnavailable


class StoreUnavailable(JournalUnavailable):
    """The database would not take the work: full disk, lock held too long, or gone.

    Nothing of the job is durable, but where it says that this is not known: the connection was lost
    at COMMIT and the server could not be asked in time. The writer goes on; the same job may be
    tried again.
    """


class ConnectionBroken(Exception):  # noqa: N818 - reads as what it is
    """The driver failed at a savepoint: the commit under way cannot go on."""


class StoreMissing(FileNotFoundError):  # noqa: N818
    """There is no database at that place, or it has no tables yet."""


class UnknownRequest(LookupError):  # noqa: N818
    """No journal row has this request id: a bug of the caller."""


class MessageKeysReused(Exception):  # noqa: N818
    """STAN, field 7 and field 32 of a new message were used before: it must not go."""


class StartRefused(Exception):  # noqa: N818
    """This node must not run beside the others of the store as it is; says what to do."""


class BeingSettled(StartRefused):
    """Another process settles the node's rows and will give the node back: wait, or take it."""


class LeaseMoved(StartRefused):
    """The lease is not as it was seen: its node came back, or somebody else settles its rows."""


class KeyFileError(Exception):
    """A key file that is missing, malformed, or readable by others; says what to do."""


def said(error: DBAPIError) -> str:
    """What the database said, in a line and without the rows that it quotes."""
    diagnosis = getattr(error.orig, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(error.orig)
    return " ".join(text.split())
