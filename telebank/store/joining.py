"""What must be so before a node takes its lease: the keys of the other nodes, STANs of its own.

Tokens, the hot list, limits, tries and twins are compared by HMAC under `token.key`: nodes with
different ones would not see each other's. STANs are apart because rule 7 knows no terminal.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, select, text

from telebank.store import numbers, tables
from telebank.store.errors import StartRefused
from telebank.store.postgresql import lock_all
from telebank.store.sealing import Keyring

RIVAL_DAY = timedelta(days=1)
"""A node that did not give its lease back and was heard of within it may still run."""
LOCK = "joining"
DESTROYED = "destroyed"
"""In the place of its fingerprint: a key that nobody needs to have any more."""
_V = tables.vault.c
_KNOWN = select(_V.name, _V.fingerprint).order_by(_V.name)
_ADD = insert(tables.vault)
_L = tables.lease.c
_OTHERS = (
    select(_L.node, _L.nodes)
    .where(
        _L.node != bindparam("of_node"),
        _L.heartbeat >= bindparam("since", type_=_L.heartbeat.type),
        text("holder <> ''"),
    )
    .order_by(_L.node)
)


def join(connection: Connection, node: str, nodes: int, keyring: Keyring, now: datetime) -> None:
    """Raise `StartRefused` where this node would not see the others, or number as they do; else
    remember its keys. Nobody else joins until the commit."""
    lock_all(connection, (LOCK,))
    _check_numbers(connection, node, nodes, now)
    _check_keys(connection, keyring)


def _check_keys(connection: Connection, keyring: Keyring) -> None:
    stored = {row.name: row.fingerprint for row in connection.execute(_KNOWN)}
    known = {name: print_ for name, print_ in stored.items() if print_ != DESTROYED}
    ours = keyring.fingerprints
    missing = [name for name in known if name not in ours]
    differ = [name for name, print_ in known.items() if ours.get(name, print_) != print_]
    if missing or differ:
        wrong = [f"{name} is missing" for name in missing]
        wrong += [f"{name} is another" for name in differ]
        raise StartRefused(
            f"the keys of this node are not those of the store ({', '.join(wrong)}): it would not"
            " see the hot list, limits and tries of the other nodes. Copy token.key, seal-*.key and"
            " seal-current from DATA/keys of the first node into DATA/keys here, mode 0600, and"
            " start again (docs/store.md)"
        )
    new = [{"name": name, "fingerprint": ours[name]} for name in ours if name not in stored]
    if new:
        connection.execute(_ADD, new)


def _check_numbers(connection: Connection, node: str, nodes: int, now: datetime) -> None:
    mine = numbers.share(node, nodes)
    others = connection.execute(_OTHERS, {"of_node": node, "since": now - RIVAL_DAY})
    for other in others:
        theirs = numbers.share(other.node, other.nodes)
        if mine.start < theirs.stop and theirs.start < mine.stop:
            raise StartRefused(
                f"node {other.node} (of {other.nodes}) may run and gives out STANs"
                f" {numbers.shown(theirs)}, this node {node} (of {nodes}) would give out"
                f" {numbers.shown(mine)}: give every node of the bank the same [node] of, and an"
                " id from 01 to it; a node that was killed must start and end once, or be silent"
                " for a day, before `of` changes (docs/store.md)"
            )
