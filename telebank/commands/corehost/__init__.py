"""`telebank corehost`: the demo bank behind an ISO 8583 port, its balances, and its books."""

import sys
from datetime import datetime
from pathlib import Path

import click
import structlog

from core_adapters.corehost import house
from core_adapters.corehost.control import ControlError
from core_adapters.corehost.faults import FaultError
from core_adapters.corehost.keydesk import DEFAULT_OVERLAP_S
from core_adapters.corehost.rules import EVERY_DAY, WEEKDAYS, Rules
from core_adapters.corehost.tls import TlsFileError, TlsFiles
from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.profiles.errors import ProfileError
from telebank.commands.common import EXIT_UNREACHABLE, EXIT_USAGE, json_option
from telebank.commands.corehost.acts import cut_over, key_change
from telebank.commands.corehost.books import balance, check, day_file, folder_option
from telebank.commands.corehost.run import Address, PortTakenError, RunPlan, check_faults, serve
from telebank.commands.corehost.runs import runs

PROFILE = Path(__file__).resolve().parents[3] / "config" / "hosts" / "tb87.yaml"
MAX_PORT = 65535
MAX_ADDRESSES = 16
MAX_OVERLAP_S = 86_400.0
MAX_QUOTE_LIFE_S = 3_600
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """The demo core banking host: a double-entry bank behind an ISO 8583 port.

    \b
    Examples:
      telebank corehost run --data var/corehost
      telebank corehost cut-over --data var/corehost
      telebank corehost key-change mak --data var/corehost
      telebank corehost file --date 2026-11-22 --data var/corehost
      telebank corehost runs --data var/corehost
      telebank corehost balance --all --data var/corehost
      telebank corehost check --data var/corehost
    """


for part in (balance, check, day_file, runs, cut_over, key_change):
    command.add_command(part)


def _addresses(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[Address, ...]:
    if len(values) > MAX_ADDRESSES:
        raise click.BadParameter(f"at most {MAX_ADDRESSES} addresses")
    return tuple(_address(value) for value in values)


def _address(value: str) -> Address:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > MAX_PORT:
        raise click.BadParameter(f"{value!r}: write host:port, such as 127.0.0.1:8583")
    return host.strip("[]"), int(port)


def _tls(certificate: Path | None, key: Path | None, ca: Path | None) -> TlsFiles | None:
    if certificate is None and key is None and ca is None:
        return None
    if certificate is None or key is None:
        raise click.UsageError("TLS needs --tls-certificate and --tls-key")
    return TlsFiles(certificate, key, ca)


@command.command()
@click.option(
    "--listen",
    default=("127.0.0.1:8583",),
    multiple=True,
    show_default=True,
    callback=_addresses,
    help="Address and port; port 0 takes a free one. Again for further addresses of one ledger.",
)
@folder_option
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False),
    help="The gateway's key folder, with which demo keys are shared.  [default: keys beside DATA]",
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=PROFILE,
    help="Host profile.  [default: the shipped tb87.yaml]",
)
@click.option("--faults", type=FILE, help="Fault plan (JSON), read again whenever it changes.")
@click.option(
    "--cut-over",
    "cut_over_at",
    type=click.DateTime(["%H:%M"]),
    default="00:00",
    show_default=True,
    help="Time of day in the bank (UTC+8) at which the next business date begins.",
)
@click.option(
    "--key-overlap",
    type=click.FloatRange(0, MAX_OVERLAP_S),
    default=DEFAULT_OVERLAP_S,
    show_default=True,
    help="Seconds for which a changed key goes on verifying.",
)
@click.option(
    "--quote-life",
    type=click.IntRange(1, MAX_QUOTE_LIFE_S),
    default=Rules().quote_life_s,
    show_default=True,
    help="Seconds for which a quote stands, those of exchanges excepted.",
)
@click.option("--tls-certificate", type=FILE, help="The bank's certificate (PEM): TLS only.")
@click.option("--tls-key", type=FILE, help="Its private key (PEM, mode 0600).")
@click.option("--tls-ca", type=FILE, help="CA of the gateways, whose certificates are demanded.")
@click.option(
    "--test-data",
    is_flag=True,
    help="At the first start: sixty test cards, no demo.",
)
@click.option(
    "--weekends-closed",
    is_flag=True,
    help="No currencies are exchanged on Saturdays and Sundays; without it, on every day.",
)
@click.option("--no-ledger", is_flag=True, help="Answer 00 and post nothing, for benchmarks.")
@click.option("--port-file", type=FILE, help="Write the line that says the port here too.")
@json_option
def run(
    listen: tuple[Address, ...],
    data: Path,
    keys: Path | None,
    profile: Path,
    faults: Path | None,
    cut_over_at: datetime,
    key_overlap: float,
    quote_life: int,
    tls_certificate: Path | None,
    tls_key: Path | None,
    tls_ca: Path | None,
    port_file: Path | None,
    *,
    test_data: bool,
    weekends_closed: bool,
    no_ledger: bool,
    as_json: bool,
) -> None:
    """Run the bank until SIGTERM or Ctrl-C; prints its addresses as one JSON line when ready.

    \b
    Examples:
      telebank corehost run --listen 127.0.0.1:8583 --data var/corehost
      telebank corehost run --listen 127.0.0.1:0 --data /tmp/bank --test-data --port-file port.json
      telebank corehost run --listen 127.0.0.1:8583 --listen 127.0.0.1:8584 --cut-over 22:30
      telebank corehost run --tls-certificate bank.pem --tls-key bank.key --tls-ca gateways.pem

    A fault plan is a list of rules; the first that matches and is not used up is taken. For a
    reply lost once after the money has moved:

    \b
      [{"match": {"mti": "0200", "processing": "42"}, "action": "drop_after", "times": 1}]
    match takes any of
      mti processing amount card terminal stan fields network port after_cut_over_s
    beside it: times (how often; without it always), skip (so many pass first). Actions:
      delay S, delay_before S, slow_loris S       seconds
      drop_before, drop_after                     no reply; before or after it is posted
      cut_before, cut_after, cut_reply_at N       the connection is cut
      duplicate, garble, bad_mac, oversized, bad_length N, wrong_field N TEXT
      code XX                                     answered XX, not posted
      hold_for_reversal, cut_over_before, cut_over_after
      sign_off, refuse_sign_on, die_before, die_after
    A first address that goes out of service while a second one serves:
      [{"match": {"port": 8583}, "action": "sign_off", "times": 1},
       {"match": {"port": 8583}, "action": "refuse_sign_on"}]
    `times: 1` signs off one link; with links = 2 in the settings, write 2.
    docs/corehost.md has every action and key with an example.
    """
    del as_json  # the ready line is JSON in any case
    _log_to_stderr()
    plan = RunPlan(
        listen=listen,
        data=data,
        keys=keys or data.parent / "keys",
        profile=profile,
        rules=Rules(
            cut_over=cut_over_at.time(),
            market_days=WEEKDAYS if weekends_closed else EVERY_DAY,
            quote_life_s=quote_life,
        ),
        key_overlap_s=key_overlap,
        faults=faults,
        tls=_tls(tls_certificate, tls_key, tls_ca),
        test_data=test_data,
        no_ledger=no_ledger,
        port_file=port_file,
    )
    mistakes = (SecurityModuleError, ProfileError, FaultError, TlsFileError, ControlError)
    try:
        check_faults(faults)
        serve(plan)
    except (*mistakes, house.HouseError) as error:
        click.echo(f"telebank corehost: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except PortTakenError as error:
        click.echo(f"telebank corehost: {error}", err=True)
        sys.exit(EXIT_UNREACHABLE)


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
