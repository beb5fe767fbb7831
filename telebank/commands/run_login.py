"""How one logs in at a demo bank: one block of the lines that `telebank run` prints, for readers of
both languages at once, since nobody has chosen one yet."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.markup import escape

from telebank.commands.demo_people import DemoPerson
from telebank.staff.roles import Role

GAP = 3
"""Cells between columns."""
WORK: Mapping[Role, tuple[str, str]] = {
    Role.TELLER: ("柜员 teller", "/desk"),
    Role.SUPERVISOR: ("主管 supervisor", "/floor, /wall"),
    Role.ADMINISTRATOR: ("管理员 administrator", "/"),
    Role.AUDITOR: ("审计员 auditor", "/floor"),
    Role.IT: ("技术人员 IT", "/"),
}
"""What each is called, and the page to begin with."""


def login_block(people: Sequence[DemoPerson], web: str, codes: str) -> Sequence[tuple[str, str]]:
    """Rows of the banner: a name, and text with Rich's marks; nothing where there are no people.
    `web`: address:port of the pages; `codes`: the command that shows the codes of this moment."""
    if not people:
        return ()
    head = ("用户 name", "密码 password", "角色 role", "页面 page")
    rows = [(one.name, one.password, *WORK[one.role]) for one in people]
    widths = [max(map(cell_len, column)) + GAP for column in zip(head, *rows, strict=True)]
    lines = [_line(row, widths) for row in (head, *rows)]
    return (
        ("登录 Log in", f"[bold cyan]http://{web}/login[/]"),
        ("", f"[dim]{lines[0]}[/]"),
        *(("", line) for line in lines[1:]),
        ("动态码 Code", f"[bold]{escape(codes)}[/]"),
        ("", "六位，每 30 秒一换，每码只用一次  six digits, new each 30 s, each counts once"),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Chinese letters are two cells wide."""
    padded = (
        cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return escape("".join(padded).rstrip())
