"""`telebank flow menus`: every menu and the keys to every service, as docs/menus.md."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from telebank.commands.common import json_option

if TYPE_CHECKING:
    from telebank.flow.keymap import MenuPage, Names, Route
    from telebank.flow.release import Release

HEAD = """\
# Menus and keys

Written by `telebank flow menus > docs/menus.md` out of the menu trees and their texts; not by hand.

Every call begins with the language: `1` is Mandarin (written here), `2` is English, and every key
after it is the same. Words in capitals are entries: `CARD#` is the card number and the hash key.
`ROW` is the number of what was just read out. Keys may be pressed ahead. `*` goes back, `#` says a
menu again, `0` calls a teller (`0#` inside an entry), `9` ends the call from the first two menus.
Where an amount or an order is read back, the key that confirms it counts only after the reading.
"""


@click.command(name="menus")
@click.option(
    "--config",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    envvar="TELEBANK_CONFIG",
    help="Folder with services.yaml, flows/ and prompts/; the shipped one if not given.",
)
@json_option
def command(config: Path | None, as_json: bool) -> None:
    """List the keys to every service, and every menu, in both languages.

    \b
    Examples:
      telebank flow menus > docs/menus.md
      telebank flow menus --config ./config --json
    """
    from telebank.flow.keymap import menu_pages, routes
    from telebank.flow.load import load_release
    from telebank.flow.model import FlowError
    from telebank.settings import seed_dir

    try:
        release = load_release(config if config is not None else seed_dir())
    except FlowError as error:
        raise click.ClickException("the release is refused; see `telebank flow check`") from error
    if as_json:
        click.echo(_plain(routes(release), menu_pages(release)))
    else:
        click.echo(page(release), nl=False)


def page(release: "Release") -> str:
    """The whole of docs/menus.md."""
    from telebank.flow.keymap import menu_pages, routes

    return "\n".join(
        [HEAD, *_services(routes(release)), *_menus(menu_pages(release))],
    )


def _services(found: "Sequence[Route]") -> Iterator[str]:
    yield "## Keys to every service\n"
    yield "| keys | 您要的 | what you want | service |"
    yield "|---|---|---|---|"
    for route in found:
        zh, en = (" › ".join(_names(route.names, language)) for language in ("zh", "en"))
        service = f"`{route.what}`" if not route.service.startswith("“") else route.service
        yield f"| {_keys(route.keys)} | {zh} | {en} | {service} |"
    yield ""


def _names(names: "Sequence[Names]", language: str) -> list[str]:
    return [text for one in names for known, text in one.items() if known == language]


def _menus(pages: "Sequence[MenuPage]") -> Iterator[str]:
    yield "## Menus\n"
    for menu in pages:
        yield f"### `{menu.title}`\n"
        yield f"Keys to it: {_keys(menu.keys) or 'none, it comes first'}\n"
        yield "| key | 中文 | English |"
        yield "|---|---|---|"
        for key, names in menu.choices.items():
            zh, en = (names.get("zh", "（再见）"), names.get("en", "(goodbye)"))
            yield f"| `{key}` | {zh} | {en} |"
        yield ""


def _keys(keys: Sequence[str]) -> str:
    return " ".join(f"`{key}`" for key in keys)


def _plain(found: "Sequence[Route]", pages: "Sequence[MenuPage]") -> str:
    services = [
        {
            "keys": list(route.keys),
            "names": [dict(names) for names in route.names],
            "service": route.service,
            "constants": dict(route.constants),
        }
        for route in found
    ]
    menus = [
        {
            "menu": one.title,
            "keys": list(one.keys),
            "choices": {key: dict(names) for key, names in one.choices.items()},
        }
        for one in pages
    ]
    return json.dumps({"services": services, "menus": menus}, ensure_ascii=False, indent=2)
