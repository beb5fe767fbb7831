"""Settings: `config/telebank.toml` overlaid by `DATA/config/telebank.toml`.

Each room owns an option dataclass with its units and bounds; this module only reads tables into
them. An unknown section or key is an error that names the file and the nearest known key.
"""

import dataclasses
import hashlib
import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

import voice_prompts
from telebank.agents.options import CentreOptions
from telebank.calls.connection_options import ConnectionOptions, TlsOptions
from telebank.calls.faxes.options import FaxOptions, MailOptions, OutboundOptions
from telebank.calls.options import CallOptions
from telebank.console.options import ConsoleOptions
from telebank.customers.options import CeilingOptions, CodeOptions, PayeeOptions, SmsOptions
from telebank.customers.order_options import ApprovalOptions, OrderOptions
from telebank.faxing.options import FaxingOptions
from telebank.flow.options import FlowOptions
from telebank.media.options import MediaOptions
from telebank.ops.disk_options import DiskOptions
from telebank.ops.key_options import KeyOptions
from telebank.ops.metrics_options import MetricsOptions
from telebank.ops.snmp.options import SnmpOptions
from telebank.settings_words import in_words, nearest
from telebank.sip import SipOptions
from telebank.sip.admission import AdmissionOptions
from telebank.sip.digest import Account
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import DEFAULT, TrunkOptions, check_names
from telebank.staff.options import StaffOptions
from telebank.store.audit_options import AuditOptions
from telebank.store.options import MAX_NODES, StoreOptions
from transactions.hot_list import LossOptions
from transactions.money import Money, MoneyError
from transactions.options import DEADLINE_MARGIN_S, AuthOptions, ProcessorOptions

SCHEMA = 1
FILE = "telebank.toml"
QUEUES_FILE = "queues.yaml"
MAX_FILE_BYTES = 1_000_000
DAY_S = 86_400
LANGUAGES = ("zh", "en")
MAX_BANK = 32
"""Longest name of the bank: beside the title at the head of a paper, and in the header of a fax."""
MAX_PASSWORD = 1_024
"""Characters of a trunk's password."""
SILENT_BEATS = 3
"""A node that missed fewer heartbeats is not taken for silent."""
Table = Mapping[str, Any]
T = TypeVar("T")


class SettingsError(ValueError):
    """A settings file that cannot be used: file, section, key and what to do."""


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Who this node is."""

    id: str = "01"
    """Two digits, one for each node of the bank; the first two of every reference (field 37)."""
    of: int = 1
    """How many nodes share the host's acquirer id (field 32), the same at each: node `id` gives out
    the id-th part of the STANs."""
    host: str = "tb87"
    """Which host is served: the section `hosts.NAME`."""
    settle_others_after_s: float = 120.0
    """Silence of another node, in seconds, after which its open rows are settled from here; 0:
    never. At least three heartbeats, and a send deadline. Only where the store is a database
    server."""
    control: str = "control.sock"
    """Name of the control socket under the data folder."""
    utc_offset_minutes: int = 480
    """The bank's wall clock (480: Beijing), for spoken times, limits and message dates."""
    bank: Mapping[str, str] = field(default_factory=dict)
    """Its name, on papers, in headers of faxes and in mails: `{zh = "…", en = "…"}`, both or
    none, at most 32 characters each, `en` of ASCII. Without one papers have a general one."""

    def __post_init__(self) -> None:
        _check_names(self.bank)
        if not (self.id.isdigit() and len(self.id) == 2):  # noqa: PLR2004 - two digits
            raise ValueError(f"node.id is {self.id!r}: give two digits, such as 01")
        if not 1 <= self.of <= MAX_NODES:
            raise ValueError(f"node.of is {self.of}: 1 to {MAX_NODES} nodes share an acquirer id")
        if not 1 <= int(self.id) <= self.of:
            raise ValueError(
                f"node.id is {self.id} and node.of is {self.of}: ids are 01 to node.of, the number"
                " of nodes, which is the same at each of them"
            )
        if not 0 <= self.settle_others_after_s <= DAY_S:
            raise ValueError(f"node.settle_others_after_s is 0 (never) to {DAY_S}, in seconds")


def _check_names(bank: Mapping[str, str]) -> None:
    for language, name in bank.items():
        if language not in LANGUAGES:
            raise ValueError(f"node.bank has {language!r}: give {' and '.join(LANGUAGES)}")
        if len(name) > MAX_BANK or not name.isprintable() or name != name.strip():
            raise ValueError(f"node.bank.{language} is at most {MAX_BANK} printable characters")
    if not bank.get("en", "").isascii():
        raise ValueError("node.bank.en is of ASCII: fax machines print nothing else in a header")
    if bank and (lacking := [one for one in LANGUAGES if not bank.get(one)]):
        raise ValueError(
            f"node.bank has no name for {' and '.join(lacking)}: give both, {{zh = …, en = …}}"
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process of the bank is told."""

    node: NodeOptions = field(default_factory=NodeOptions)
    calls: CallOptions = field(default_factory=CallOptions)
    sip: SipOptions = field(default_factory=SipOptions)
    sip_tcp: ConnectionOptions = field(default_factory=ConnectionOptions)
    sip_tls: TlsOptions = field(default_factory=TlsOptions)
    admission: AdmissionOptions = field(default_factory=AdmissionOptions)
    registrar: PhoneOptions = field(default_factory=PhoneOptions)
    media: MediaOptions = field(default_factory=MediaOptions)
    flow: FlowOptions = field(default_factory=FlowOptions)
    store: StoreOptions = field(default_factory=StoreOptions)
    audit: AuditOptions = field(default_factory=AuditOptions)
    transactions: ProcessorOptions = field(default_factory=ProcessorOptions)
    console: ConsoleOptions = field(default_factory=ConsoleOptions)
    staff: StaffOptions = field(default_factory=StaffOptions)
    keys: KeyOptions = field(default_factory=KeyOptions)
    disk: DiskOptions = field(default_factory=DiskOptions)
    auth: AuthOptions = field(default_factory=AuthOptions)
    loss: LossOptions = field(default_factory=LossOptions)
    codes: CodeOptions = field(default_factory=CodeOptions)
    sms: SmsOptions = field(default_factory=SmsOptions)
    payees: PayeeOptions = field(default_factory=PayeeOptions)
    ceilings: CeilingOptions = field(default_factory=CeilingOptions)
    orders: OrderOptions = field(default_factory=OrderOptions)
    approvals: ApprovalOptions = field(default_factory=ApprovalOptions)
    fax: FaxOptions = field(default_factory=FaxOptions)
    outbound: OutboundOptions = field(default_factory=OutboundOptions)
    mail: MailOptions = field(default_factory=MailOptions)
    fax_process: FaxingOptions = field(default_factory=FaxingOptions)
    snmp: SnmpOptions = field(default_factory=SnmpOptions)
    metrics: MetricsOptions = field(default_factory=MetricsOptions)
    hosts: Mapping[str, Table] = field(default_factory=dict)
    """Tables of `hosts.NAME`, read by the adapter that serves them."""
    trunks: Mapping[str, TrunkOptions] = field(default_factory=lambda: dict(DEFAULT))
    """Sections `trunks.NAME`, in the order in which calls out look for one."""
    queues: CentreOptions = field(default_factory=CentreOptions)
    """Of `config/queues.yaml`, or of `DATA/config/queues.yaml` instead."""


SECTIONS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "node": NodeOptions,
        "calls": CallOptions,
        "sip": SipOptions,
        "sip_tcp": ConnectionOptions,
        "sip_tls": TlsOptions,
        "admission": AdmissionOptions,
        "registrar": PhoneOptions,
        "media": MediaOptions,
        "flow": FlowOptions,
        "store": StoreOptions,
        "audit": AuditOptions,
        "transactions": ProcessorOptions,
        "console": ConsoleOptions,
        "staff": StaffOptions,
        "keys": KeyOptions,
        "disk": DiskOptions,
        "auth": AuthOptions,
        "loss": LossOptions,
        "codes": CodeOptions,
        "sms": SmsOptions,
        "payees": PayeeOptions,
        "ceilings": CeilingOptions,
        "orders": OrderOptions,
        "approvals": ApprovalOptions,
        "fax": FaxOptions,
        "outbound": OutboundOptions,
        "mail": MailOptions,
        "fax_process": FaxingOptions,
        "snmp": SnmpOptions,
        "metrics": MetricsOptions,
    }
)


def seed_dir() -> Path:
    """The shipped `config/` beside the packages."""
    return Path(__file__).resolve().parents[1] / "config"


def packs_dir() -> Path:
    """The shipped prompt packs."""
    return Path(voice_prompts.__file__).resolve().parent / "packs"


def effective_config(data: Path) -> Path:
    """The folder of flows, texts, services, profiles, hours and recordings of this bank: the
    shipped one, or, where `DATA/config` holds any of them, a copy of it under `DATA/run` with those
    laid over. What is in force may be another release, which people published."""
    own = data / "config"
    files = sorted([*own.rglob("*.yaml"), *own.glob("recordings/*/*")])
    if not files:
        return seed_dir()
    digest = hashlib.sha256()
    for path in [*sorted(seed_dir().rglob("*.yaml")), *files]:
        digest.update(f"{path} {path.stat().st_size}\n".encode() + path.read_bytes())
    # Named by its content: other commands read it while a node runs on it.
    folder = data / "run" / f"config-{digest.hexdigest()[:16]}"
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.copytree(seed_dir(), part)
        shutil.copytree(own, part, dirs_exist_ok=True)
        try:
            part.rename(folder)
        except OSError:  # another command was first
            shutil.rmtree(part)
    return folder


def load_settings(data: Path, overrides: Mapping[str, Table] | None = None) -> Settings:
    """Read the shipped settings, then those of `data`, then `overrides` (of the command line)."""
    tables: dict[str, dict[str, Any]] = {}
    for path in (seed_dir() / FILE, data / "config" / FILE):
        if path.exists():
            _merge(tables, _read(path), str(path))
    _merge(tables, overrides or {}, "command line")
    limits = _amounts(tables.pop("limits", {}), "limits")
    proof = dict(tables.pop("second_factor", {}))
    per_day = proof.pop("per_day", True)
    if not isinstance(per_day, bool):
        raise SettingsError("[second_factor] per_day is true or false")
    tiers = _amounts(proof, "second_factor")
    sections = {
        name: read_options(cls, tables.pop(name, {}), name) for name, cls in SECTIONS.items()
    }
    zone, nodes = sections["node"].utc_offset_minutes, sections["node"].of
    hosts = MappingProxyType(tables.pop("hosts", {}))
    trunks = _trunks(tables.pop("trunks", {}))
    _check_silence(sections["node"], sections["store"], sections["transactions"])
    replace = dataclasses.replace
    sections["fax"] = _headed(sections["fax"], sections["node"].bank)
    _check_ways(sections["fax"], sections["outbound"])
    _check_tls(sections["calls"], sections["sip_tls"])
    sections["fax_process"] = replace(sections["fax_process"], utc_offset_minutes=zone)
    sections["store"] = replace(
        sections["store"],
        utc_offset_minutes=zone,
        nodes=nodes,
        terminal=str(hosts.get(sections["node"].host, {}).get("terminal", "")),
    )
    sections["transactions"] = replace(
        sections["transactions"],
        limits=limits,
        second_factor=tiers,
        second_factor_per_day=per_day,
        utc_offset_minutes=zone,
        loss=sections["loss"],
    )
    sections["outbound"] = _routed(sections["outbound"], trunks)
    return Settings(**sections, hosts=hosts, trunks=trunks, queues=read_queues(queues_file(data)))


def queues_file(data: Path) -> Path:
    """The bank's own queues, else those shipped: whole, since a queue that is left out is meant."""
    own = data / "config" / QUEUES_FILE
    return own if own.exists() else seed_dir() / QUEUES_FILE


def read_queues(path: Path) -> CentreOptions:
    """The queues of a file; raises `SettingsError`, which names it."""
    from ruamel.yaml.error import YAMLError  # with all of its parser

    from telebank.agents.load import QueuesError, load_queues
    from transactions.yaml_text import read_yaml

    try:
        return load_queues(read_yaml(_text(path), places=False))
    except (YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML: {error}") from error
    except QueuesError as error:
        raise SettingsError(f"{path}: {error}") from error


def _trunks(tables: Table) -> Mapping[str, TrunkOptions]:
    """The trunks, this machine always among them: last of all, unless its section is written."""
    own: dict[str, TrunkOptions] = {}
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            raise SettingsError(f"[trunks]: {name!r} is no table: write [trunks.{name}]")
        usual = dataclasses.asdict(DEFAULT[name]) if name in DEFAULT else {}
        own[name] = read_options(TrunkOptions, {**usual, **table}, f"trunks.{name}")
    own |= {name: each for name, each in DEFAULT.items() if name not in own}
    try:
        check_names(own)
    except ValueError as error:
        raise SettingsError(f"[trunks]: {error}") from error
    return MappingProxyType(own)


def _routed(outbound: OutboundOptions, trunks: Mapping[str, TrunkOptions]) -> OutboundOptions:
    """With the trunks that carry numbers."""
    try:
        return outbound.over(trunks)
    except ValueError as error:
        raise SettingsError(f"[trunks]: {error}") from error


def trunk_accounts(data: Path, trunks: Mapping[str, TrunkOptions]) -> Mapping[str, Account]:
    """Names and keys of trunks that have passwords, by the trunk's name. The passwords are read
    from their files and forgotten. Raises `SettingsError`."""
    found = {}
    for name, trunk in trunks.items():
        if trunk.secret_file:
            path = data / "keys" / trunk.secret_file
            try:
                password = _password(path)
                found[name] = Account.of_password(
                    trunk.user, trunk.realm, password, trunk.algorithms
                )
            except (OSError, ValueError) as error:
                raise SettingsError(f"[trunks.{name}] secret_file: {error}") from error
    return found


def _password(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} can be read by others: chmod 600 {path}")
    with path.open(encoding="utf-8") as file:
        password = file.read(MAX_PASSWORD + 1).strip()
    if not 0 < len(password) <= MAX_PASSWORD:
        raise ValueError(f"{path} has no password, or one of more than {MAX_PASSWORD} characters")
    return password


def _headed(fax: FaxOptions, bank: Mapping[str, str]) -> FaxOptions:
    """With the bank's name where the header has a place for it."""
    try:
        return dataclasses.replace(fax, header=fax.header.replace("{bank}", bank.get("en", "")))
    except ValueError as error:
        raise SettingsError(f"[fax]: {error}, with the name of [node] bank") from error


def _check_ways(fax: FaxOptions, outbound: OutboundOptions) -> None:
    """Rules for destinations are in the numbers of `[outbound]`."""
    try:
        fax.t38_to(outbound.plan, "")
    except ValueError as error:
        raise SettingsError(f"[fax] {error}") from error


def _check_tls(calls: CallOptions, tls: TlsOptions) -> None:
    """Who listens for TLS shows a certificate."""
    listened = [place for place in calls.places if place.transport == "tls"]
    if listened and not tls.certificate:
        raise SettingsError(
            f"[calls] listen has {listened[0]}: give certificate and key in [sip_tls],"
            " or listen elsewhere"
        )


def _check_silence(node: NodeOptions, store: StoreOptions, work: ProcessorOptions) -> None:
    """Nodes that live must not be taken for dead between two heartbeats, and what a dead one had
    as SENT is past its deadline: it may have become so a heartbeat after the last that is seen."""
    beats = SILENT_BEATS * store.heartbeat_s
    sent = store.heartbeat_s + work.send_deadline_s + DEADLINE_MARGIN_S
    if 0 < node.settle_others_after_s < max(beats, sent):
        why = f"{SILENT_BEATS} times [store] heartbeat_s"
        if sent > beats:
            why = f"[store] heartbeat_s + [transactions] send_deadline_s + {DEADLINE_MARGIN_S:g}"
        raise SettingsError(
            f"[node] settle_others_after_s is {node.settle_others_after_s:g}: give at least"
            f" {max(beats, sent):g}, {why}, or 0"
        )


def store_url(data: Path, settings: Settings | None = None) -> str:
    """Where the node's storage is: what `[store] url` names, else the file `DATA/telebank.db`.

    It may hold a password: not for print (`telebank.store.engine.masked_url`). `settings` saves
    reading them again. Raises `SettingsError`, or `KeyFileError` for the password's file.
    """
    from telebank.store.engine import configured_url  # with all of SQLAlchemy

    options = (settings or load_settings(data)).store
    try:
        return configured_url(data, options)
    except ValueError as error:
        raise SettingsError(f"[store]: {error}") from error


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise SettingsError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    return path.read_text(encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(_text(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    if document.pop("schema", None) != SCHEMA:
        raise SettingsError(f"{path}: must begin with `schema = {SCHEMA}`")
    return document


def _merge(into: dict[str, dict[str, Any]], tables: Mapping[str, Any], where: str) -> None:
    known = [*SECTIONS, "limits", "second_factor", "hosts", "trunks"]
    for name, table in tables.items():
        if name not in known:
            raise SettingsError(f"{where}: unknown section [{name}]{nearest(name, known)}")
        if not isinstance(table, Mapping):
            raise SettingsError(f"{where}: [{name}] must be a table of settings")
        section = into.setdefault(name, {})
        for key, value in table.items():
            whole = (name, key) == ("node", "bank")  # half of another bank's names is no name
            if isinstance(value, Mapping) and isinstance(section.get(key), dict) and not whole:
                section[key] = {**section[key], **value}
            else:
                section[key] = value


def read_options(cls: type[T], table: Table, where: str) -> T:
    """Read a table into an option dataclass; raises `SettingsError` on a key it does not have."""
    known = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise SettingsError(f"[{where}]: unknown key {key!r}{nearest(key, known)}")
    try:
        return msgspec.convert(dict(table), cls)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"[{where}]: {in_words(cls, str(error))}") from error


def _amounts(table: Table, where: str) -> Mapping[str, Money]:
    try:
        return MappingProxyType({name: Money.parse(str(text)) for name, text in table.items()})
    except MoneyError as error:
        raise SettingsError(f"[{where}]: {error}") from error
