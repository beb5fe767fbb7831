"""Which security module a command means, and how its refusals become exit codes."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core_adapters.hsm.errors import KeyRefusedError, ModuleAwayError, SecurityModuleError
from telebank.commands.common import EXIT_FINDING, Unreachable, data_option

if TYPE_CHECKING:
    from core_adapters.hsm.port import SecurityModule

SOFTWARE, PKCS11 = "software", "pkcs11"


@dataclass(frozen=True, slots=True)
class Where:
    """Which module a command means."""

    data: Path
    module: str
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
        default=SOFTWARE,
        show_default=True,
        help="Keys sealed in DATA/keys, or in a PKCS#11 token.",
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
        module: str,
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
    if where.module == SOFTWARE:
        from core_adapters.hsm.software import open_software

        return open_software(where.data / "keys", where.master, create=create)
    from core_adapters.hsm.pkcs11 import open_token
    from core_adapters.hsm.token import TokenOptions

    if not where.library or not where.token:
        raise click.UsageError("--module pkcs11 needs --library and --token")
    return open_token(TokenOptions(where.library, where.token, _token_pin(where)))


def _token_pin(where: Where) -> str:
    if where.token_pin_file is None:
        return str(click.prompt("Token PIN", hide_input=True, err=True))
    from core_adapters.hsm.sealed_file import read_secret

    return read_secret(where.token_pin_file)
