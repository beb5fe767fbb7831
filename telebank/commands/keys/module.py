"""Which security module a command means, and how its refusals become exit codes."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core_adapters.hsm.errors import KeyRefusedError, ModuleAwayError, SecurityModuleError
from telebank.commands.common import EXIT_FINDING, Unreachable, data_option
from telebank.ops.key_options import KeyOptions
from telebank.settings import SettingsError, load_settings, read_options

if TYPE_CHECKING:
    from core_adapters.hsm.port import SecurityModule

SOFTWARE, PKCS11 = "software", "pkcs11"


@dataclass(frozen=True, slots=True)
class Where:
    """Which module a command means."""

    data: Path
    module: str | None
    master: Path | None
    library: str | None
    token: str | None
    token_pin_file: Path | None


class Finding(click.ClickException):
    """Ends a command with exit code 1: a key or a component is not what it should be."""

    exit_code = EXIT_FINDING


_FILE = click.Path(path_type=Path, dir_okay=False)
_MODULE = (
    data_option,
    click.option(
        "--module",
        type=click.Choice([SOFTWARE, PKCS11]),
        help="Keys sealed in DATA/keys, or in a PKCS#11 token.  [default: [keys] of the settings]",
    ),
    click.option(
        "--master",
        type=_FILE,
        envvar="TELEBANK_MASTER_KEY_FILE",
        help="File of the master key, where it is not in DATA/keys.",
    ),
    click.option("--library", envvar="TELEBANK_PKCS11_LIBRARY", help="The token's library."),
    click.option("--token", envvar="TELEBANK_PKCS11_TOKEN", help="The token's label."),
    click.option(
        "--token-pin-file",
        type=_FILE,
        envvar="TELEBANK_PKCS11_PIN_FILE",
        help="File (mode 0600) of the token's user PIN; asked for if not given.",
    ),
)


def module_options(function: Callable[..., None]) -> Callable[..., None]:
    """Gather the options that name a module into one `Where`."""

    @functools.wraps(function)
    def gathered(
        data: Path,
        module: str | None,
        master: Path | None,
        library: str | None,
        token: str | None,
        token_pin_file: Path | None,
        **rest: object,
    ) -> None:
        where = Where(data, module, master, library, token, token_pin_file)
        function(where=where, **rest)

    wrapped: Callable[..., None] = gathered
    for option in reversed(_MODULE):
        wrapped = option(wrapped)
    return wrapped


@contextmanager
def opened(where: Where, *, create: bool = False) -> Iterator["SecurityModule"]:
    """The module, closed afterwards; its refusals become exit codes."""
    try:
        module = _open(where, create=create)
        try:
            yield module
        finally:
            module.close()
    except ModuleAwayError as error:
        raise Unreachable(str(error)) from None
    except KeyRefusedError as error:
        raise Finding(str(error)) from None
    except SecurityModuleError as error:
        raise click.UsageError(str(error)) from None


def _open(where: Where, *, create: bool) -> "SecurityModule":
    return open_module(_options(where), where.data / "keys", create=create)


def _options(where: Where) -> KeyOptions:
    """The settings' section [keys], with what the command line says laid over it."""
    said = {
        "module": where.module,
        "master_file": where.master and str(where.master.absolute()),
        "library": where.library,
        "token": where.token,
        "token_pin_file": where.token_pin_file and str(where.token_pin_file.absolute()),
    }
    if where.module == PKCS11 and not (where.library and where.token):
        raise click.UsageError("--module pkcs11 needs --library and --token")
    try:
        table = asdict(load_settings(where.data).keys)
        table |= {name: value for name, value in said.items() if value}
        return read_options(KeyOptions, table, "keys")
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def open_module(options: KeyOptions, keys: Path, *, create: bool = False) -> "SecurityModule":
    """The module of these settings; `keys` is DATA/keys. Raises `SecurityModuleError`.

    A token's PIN is asked for at the terminal where no file of it is set and there is one.
    """
    if options.module == SOFTWARE:
        from core_adapters.hsm.software import open_software

        return open_software(keys, options.path(keys, options.master_file), create=create)
    from core_adapters.hsm.pkcs11 import open_token
    from core_adapters.hsm.token import TokenOptions

    pin = _token_pin(options.path(keys, options.token_pin_file))
    return open_token(TokenOptions(options.library, options.token, pin))


def _token_pin(path: Path | None) -> str:
    if path is None:
        if not sys.stdin.isatty():
            raise KeyRefusedError("[keys] needs `token_pin_file`: nobody can be asked for the PIN")
        return str(click.prompt("Token PIN", hide_input=True, err=True))
    from core_adapters.hsm.sealed_file import read_secret

    return read_secret(path)
