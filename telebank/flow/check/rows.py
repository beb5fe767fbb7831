"""Rows: declared with the columns that the service gives, spoken and chosen by what is in them."""

from collections.abc import Iterator

from telebank.flow.check.graph import finding
from telebank.flow.model import AnyNode, Call, Finding, Flow, Menu, Queue
from telebank.flow.options import LANGUAGES, MAX_USUAL, ROW_KEY, ROW_NUMBER
from telebank.flow.release import Release
from telebank.flow.texts import READINGS, Slot
from transactions.contract import RowShape
from transactions.kinds import Kind
from transactions.request import Language

MAX_CHOSEN = 9
"""Rows that keys 1 to 9 can choose among."""


def columns(release: Release, flow: Flow) -> Iterator[Finding]:
    """A declared column that a service does not always give, or gives as another kind."""
    for node in flow.nodes.values():
        if not isinstance(node, Call) or node.service not in release.contracts:
            continue
        for name, shape in release.contracts[node.service].rows.items():
            if name in flow.rows:
                yield from _against(flow, node, name, shape)


def _against(flow: Flow, node: Call, name: str, given: RowShape) -> Iterator[Finding]:
    for column, kind in flow.rows[name].columns.items():
        theirs = given.columns.get(column)
        if theirs is None or column in given.optional:
            how = "no column" if theirs is None else "not in every row a column"
            problem = f"{node.service} gives in {name} {how} {column}"
            sure = [key for key in given.columns if key not in given.optional]
            mend = f"declare no other columns than {', '.join(sure)}"
            yield finding(flow, node, "rows", problem, mend)
        elif theirs != kind:
            problem = f"{node.service} gives {name}.{column} as {theirs}, declared {kind}"
            yield finding(flow, node, "rows", problem, f"declare `{column}: {theirs}`")


def shared(release: Release, flow: Flow) -> Iterator[Finding]:
    """Rows that go in or out of a flow, with other columns in another flow."""
    for name in {*flow.needs, *flow.gives} & set(flow.rows):
        for other in release.flows.values():
            theirs = other.rows.get(name)
            if theirs is not None and theirs.columns != flow.rows[name].columns:
                problem = f"{name} has other columns in {other.file}, and goes in or out of here"
                line = flow.lines.get("vars", 1)
                yield Finding(flow.file, line, "rows", problem, "declare the same columns in both")


def listings(release: Release, flow: Flow) -> Iterator[Finding]:
    """`each` of a variable that is no rows, or a choice among what is not in them."""
    for node in flow.nodes.values():
        if isinstance(node, Queue):
            for name in node.carry:
                if name in flow.rows:
                    mend = f"remove {name} from `carry`"
                    yield finding(flow, node, "rows", f"carries the rows {name}", mend)
        if node.each is None:
            continue
        shape = flow.rows.get(node.each)
        if shape is None:
            mend = f"declare `{node.each}: {{column: kind}}` in the flow's `vars`"
            yield finding(flow, node, "rows", f"`each: {node.each}` is no rows", mend)
        elif isinstance(node, Menu):
            yield from _picks(flow, node, shape)


def _picks(flow: Flow, node: Menu, shape: RowShape) -> Iterator[Finding]:
    for name, column in node.pick.items():
        kind, theirs = flow.vars.get(name), shape.columns.get(column)
        if theirs is None:
            problem = f"`pick` takes the column {column}, which {node.each} does not have"
            yield finding(flow, node, "pick", problem, f"use {', '.join(shape.columns)}")
        elif kind is not None and kind != theirs:
            problem = f"`pick` keeps {column} ({theirs}) in {name} ({kind})"
            yield finding(flow, node, "pick", problem, f"declare `{name}: {theirs}`")


def rows_of(release: Release, flow: Flow, name: str) -> int:
    """The most rows that any service called in the flow gives under a name; 0 where none does."""
    called = {node.service for node in flow.nodes.values() if isinstance(node, Call)}
    contracts = [release.contracts[one] for one in called if one in release.contracts]
    return max((one.rows[name].most for one in contracts if name in one.rows), default=0)


def picks(release: Release, flow: Flow) -> Iterator[Finding]:
    """Keys that choose a row and something else too, and rows that no key can choose."""
    for node in flow.nodes.values():
        if not isinstance(node, Menu) or not node.pick:
            continue
        most = rows_of(release, flow, node.each or "")
        room = MAX_USUAL if node.usual else MAX_CHOSEN
        if most > room:
            problem = f"chooses among up to {most} rows, and {room} have a key"
            mend = f"set `most: {room}` or less in the contract that gives {node.each}"
            yield finding(flow, node, "pick", problem, mend)
        after = node.first_key + most if node.usual else MAX_CHOSEN + 1
        keys = [str(key) for key in range(node.first_key, after)]
        taken = [k for k in (*node.choices, *node.asking.keys) if k[0] in keys]
        if after > MAX_CHOSEN + 1:
            problem = f"its rows take the keys {node.first_key} to {after - 1}"
            yield finding(flow, node, "pick", problem, "lower `first_key`: rows have keys 1 to 9")
        if taken:
            problem = f"key {taken[0]} chooses a row here, and is bound too"
            yield finding(flow, node, "pick", problem, "bind 0, * or #, or leave out `pick`")


def texts(release: Release, flow: Flow) -> Iterator[Finding]:
    """A row's text that speaks what is no column, or reads one in a way it does not have."""
    for node in flow.nodes.values():
        shape = flow.rows.get(node.each or "")
        if shape is None:
            continue
        for language, slot in row_slots(release, node):
            where = f"`{node.row}` ({language})"
            kind: Kind | None = shape.columns.get(slot.name)
            kind = "number" if slot.name in (ROW_NUMBER, ROW_KEY) else kind
            if kind is None:
                problem = f"{where} speaks {slot.name}, which is no column of {node.each}"
                mend = f"use {', '.join((*shape.columns, ROW_NUMBER, ROW_KEY))}"
                yield finding(flow, node, "rows", problem, mend)
            elif slot.reading not in READINGS[kind]:
                problem = f"{where} reads {slot.name} ({kind}) as {slot.reading}"
                mend = f"read it as {' or '.join(sorted(READINGS[kind]))}"
                yield finding(flow, node, "reading", problem, mend)


def row_slots(release: Release, node: AnyNode) -> Iterator[tuple[Language, Slot]]:
    """The slots of a node's row text in each language."""
    for language in LANGUAGES:
        text = release.texts[language].get(node.row or "")
        for slot in text.slots if text else ():
            yield language, slot
