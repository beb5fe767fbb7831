"""The agent: answers Get, GetNext and GetBulk of SNMPv2c and v3 from the latest snapshot; what is
set is refused. pysnmp does the protocol; the tree is ours (`instances`).

It never waits: a request is answered from a snapshot that is there, at most some seconds old.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902
from pysnmp.smi import error, exval, instrum

from telebank.ops.snmp.identity import Identity
from telebank.ops.snmp.instances import SYSTEM, Instance, View
from telebank.ops.snmp.objects import MODULE
from telebank.ops.snmp.options import Secrets, SnmpOptions, address

log = structlog.get_logger("telebank.snmp")

MAX_REQUEST = 1_500
"""Largest request that is read, in octets."""
MAX_ANSWER = 4_096
"""Largest answer, in octets: a small question in a forged name must not bring much to its owner."""
MOST_BINDINGS = 32
"""Variables of a request, and of an answer to GetBulk."""
V1, V2C, V3 = 0, 2, 3
"""Message processing of v1; security models of v2c and v3 (RFC 3411 section 5)."""
READER = "reader"
_VALUES = {
    "Integer32": rfc1902.Integer32,
    "Gauge32": rfc1902.Gauge32,
    "Counter32": rfc1902.Counter32,
    "Counter64": rfc1902.Counter64,
    "TimeTicks": rfc1902.TimeTicks,
    "DisplayString": rfc1902.OctetString,
    "ObjectIdentifier": rfc1902.ObjectIdentifier,
}


def value_of(one: Instance) -> Any:
    """As pysnmp sends it."""
    return _VALUES[one.syntax](one.value)


class Gate:
    """Requests in a second, of everybody. A machine: the time is given."""

    def __init__(self, per_s: int) -> None:
        self._per_s = float(per_s)
        self._left = self._per_s
        self._at: float | None = None
        self.dropped = 0

    def passes(self, now: float, size: int) -> bool:
        """Whether a request of so many octets is looked at."""
        if self._at is not None:
            self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if size > MAX_REQUEST or self._left < 1:
            self.dropped += 1
            return False
        self._left -= 1
        return True


class Tree(instrum.AbstractMibInstrumController):  # type: ignore[misc]
    """What pysnmp asks for variables."""

    def __init__(self, view: Callable[[], View]) -> None:
        self._view = view

    def read_variables(self, *bindings: Any, **context: Any) -> list[tuple[Any, Any]]:
        """Get (RFC 3416 section 4.2.1)."""
        view = self._few(bindings, context)
        return [(name, self._one(view.get(tuple(name)))) for name, _ in bindings]

    def read_next_variables(self, *bindings: Any, **context: Any) -> list[tuple[Any, Any]]:
        """GetNext, and each turn of GetBulk (sections 4.2.2 and 4.2.3)."""
        view = self._few(bindings, context)
        return [self._next(view, name) for name, _ in bindings]

    def write_variables(self, *_bindings: Any, **_context: Any) -> list[tuple[Any, Any]]:
        """Set: nothing can be set."""
        raise error.NotWritableError(idx=0)

    def _few(self, bindings: tuple[Any, ...], context: Mapping[str, Any]) -> View:
        """The tree, for who may read it: all of it or nothing (RFC 3415, by name and level)."""
        if len(bindings) > MOST_BINDINGS:
            raise error.TooBigError(idx=0)
        context["acFun"]("read", (rfc1902.ObjectName(MODULE), None), **context)
        return self._view()

    @staticmethod
    def _one(found: Instance | None) -> Any:
        return exval.noSuchInstance if found is None else value_of(found)

    @staticmethod
    def _next(view: View, name: Any) -> tuple[Any, Any]:
        found = view.after(tuple(name))
        if found is None:
            return name, exval.endOfMibView
        return rfc1902.ObjectName(found.oid), value_of(found)


class Bulk(cmdrsp.BulkCommandResponder):  # type: ignore[misc]
    """GetBulk with an end."""

    max_varbinds = MOST_BINDINGS


def _guarded(transport: Any, gate: Gate, clock: Callable[[], float]) -> Any:
    """The transport, behind the gate."""

    class Guarded(transport):  # type: ignore[misc]
        def datagram_received(self, datagram: bytes, transportAddress: Any) -> None:  # noqa: N803
            if gate.passes(clock(), len(datagram)):
                super().datagram_received(datagram, transportAddress)

    return Guarded


def start_engine(identity: Identity) -> Any:
    """An engine under its own id. pysnmp would keep its count of starts in a folder that everybody
    can write; ours comes from `identity`."""
    made = engine.SnmpEngine(maxMessageSize=MAX_ANSWER)
    own_id, boots = made.get_mib_builder().import_symbols(
        "__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots"
    )
    own_id.syntax = own_id.syntax.clone(identity.engine)
    made.snmpEngineID = own_id.syntax
    del made.message_processing_subsystems[V1]
    boots.syntax = boots.syntax.clone(identity.boots)
    return made


def know_people(made: Any, options: SnmpOptions, secrets: Secrets) -> None:
    """Who may read the system group and our own tree, and nothing else."""
    if options.user:
        config.add_v3_user(
            made,
            options.user,
            config.USM_AUTH_HMAC192_SHA256,
            secrets.auth,
            config.USM_PRIV_CFB128_AES,
            secrets.privacy,
        )
        _admit(made, V3, options.user, "authPriv")
    if secrets.community:
        config.add_v1_system(made, READER, secrets.community)
        _admit(made, V2C, READER, "noAuthNoPriv")


def _admit(made: Any, model: int, name: str, level: str) -> None:
    for tree in (SYSTEM, MODULE):
        config.add_vacm_user(made, model, name, level, tree, (), MODULE)


class SnmpAgent:
    """Listens while it is open."""

    def __init__(self, made: Any, options: SnmpOptions, view: Callable[[], View]) -> None:
        self._engine = made
        self._options = options
        self._view = view
        self.gate = Gate(options.requests_per_s)
        self.listens = ""
        """address:port, once open."""

    def open(self) -> None:
        """Bind and answer from now on, on the running loop; raises `OSError`."""
        host, port = address(self._options.listen)
        v6 = ":" in host
        bound = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            bound.bind((host, port))
        except OSError:
            bound.close()
            raise
        bound.setblocking(False)
        loop = asyncio.get_running_loop()
        kind = udp6.Udp6AsyncioTransport if v6 else udp.UdpAsyncioTransport
        transport = _guarded(kind, self.gate, loop.time)(loop=loop).open_server_mode(sock=bound)
        domain = udp6.DOMAIN_NAME if v6 else udp.DOMAIN_NAME
        config.add_transport(self._engine, domain, transport)
        own = context.SnmpContext(self._engine)
        own.unregister_context_name(b"")
        own.register_context_name(b"", Tree(self._view))
        for responder in (
            cmdrsp.GetCommandResponder,
            cmdrsp.NextCommandResponder,
            Bulk,
            cmdrsp.SetCommandResponder,
        ):
            responder(self._engine, own)
        at = bound.getsockname()
        self.listens = f"[{at[0]}]:{at[1]}" if v6 else f"{at[0]}:{at[1]}"
        log.info("snmp.listens", at=self.listens, v3=bool(self._options.user))

    def close(self) -> None:
        """No more."""
        self._engine.close_dispatcher()
