"""How one logs in at a demo bank: one block of the lines that `telebank run` prints, for readers of
both languages at once, since nobody has chosen one yet. It fits a terminal of 80 columns."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.markup import escape

from telebank.commands.demo_people import DemoPerson
from telebank.staff.roles import Role

GAP = 2
"""Cells between columns."""
CALLED: Mapping[Role, str] = {
    Role.TELLER: "柜员 teller",
    Role.SUPERVISOR: "主管 supervisor",
    Role.ADMINISTRATOR: "管理员 administrator",
    Role.AUDITOR: "审计员 auditor",
    Role.IT: "技术人员 IT",
}
PAGES = "/desk 柜员 teller   /floor, /wall 主管 supervisor"


def login_block(people: Sequence[DemoPerson], web: str, codes: str) -> Sequence[tuple[str, str]]:
    """Rows of the banner: a name, and text with Rich's marks; nothing where there are no people.
    `web`: address:port of the pages; `codes`: the command that shows the codes of this moment."""
    if not people:
        return ()
    rows = [(one.name, one.password, CALLED[one.role]) for one in people]
    widths = [max(map(cell_len, column)) + GAP for column in zip(*rows, strict=True)]
    return (
        ("登录 Log in", f"[bold cyan]http://{web}/login[/]"),
        ("", "[dim]用户名、密码、角色  name, password, role[/]"),
        *(("", _line(row, widths)) for row in rows),
        ("", f"[dim]{PAGES}[/]"),
        ("动态码 Code", f"[bold]{escape(codes)}[/]"),
        ("", "[dim]六位，30 秒一换，只用一次  six digits, new each 30 s, used once[/]"),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Chinese letters are two cells wide."""
    padded = (
        cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return escape("".join(padded).rstrip())
