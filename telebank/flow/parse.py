"""Reads one flow file into the model; what cannot be read becomes findings with their lines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast, get_args

from telebank.flow.entries import entry_of
from telebank.flow.model import (
    REGISTERED,
    AnyNode,
    Asking,
    Branch,
    Call,
    Collect,
    Confirm,
    Enter,
    Exit,
    Fax,
    Finding,
    Flow,
    Menu,
    Pace,
    Queue,
    Return,
    Statement,
    Way,
)
from telebank.flow.options import (
    KEYS,
    LANGUAGES,
    MAX_ENTRY,
    MAX_NODES,
    MAX_PICKED_ROWS,
    MAX_SAY,
    MAX_TIMER_S,
    MAX_TRIES,
    MAX_VISITS,
    SCHEMA,
)
from telebank.flow.pace import PATIENCE, SPEEDS
from telebank.flow.reader import Block
from telebank.flow.texts import read_document
from transactions.kinds import WORD, Declared, KindError, declared
from transactions.request import Language

MAX_BUDGET_S = 600.0

_BARE = Asking(
    first_digit=6.0,
    inter_digit=3.0,
    tries=3,
    barge_in=True,
    noinput=(),
    invalid=(),
    exhausted="",
    keys=MappingProxyType({}),
)
"""What a flow without `defaults` inherits: no handling at all, which the checker refuses."""


@dataclass(frozen=True, slots=True)
class _Defaults:
    """The flow's inherited handling: for menus and confirms, and for entries."""

    asking: Asking
    entry_keys: Mapping[str, str]


def load_flow(path: Path, file: str, findings: list[Finding]) -> Flow | None:
    """Read `path`, called `file` in messages; None where it is no flow at all."""
    raw = read_document(path, file, findings)
    if raw is None:
        return None
    top = Block(raw, file, 1, "flow", findings)
    if top.text("schema") != SCHEMA:
        top.refuse("schema", "not a flow of this version", f"write `schema: {SCHEMA}`")
        return None
    name = top.text("flow")
    if name != path.stem:
        top.refuse("flow", f"`{name}` is not the file's name", f"write `flow: {path.stem}`")
    defaults = _defaults(top.block("defaults", "defaults"))
    variables = _vars(top)
    flow = Flow(
        name=name,
        file=file,
        entry=top.text("entry"),
        exhausted=defaults.asking.exhausted or None,
        nodes=_nodes(top.block("nodes", "nodes"), defaults, top),
        vars=variables.kinds,
        rows=variables.rows,
        needs=top.names("needs"),
        gives=top.names("gives"),
        titles=_titles(top),
        budget=top.seconds("budget", MAX_BUDGET_S) if "budget" in top else None,
        lines=MappingProxyType({key: top.line_of(key) for key in top.each()}),
    )
    top.finish()
    return flow


def _titles(top: Block) -> Mapping[str, str]:
    titles = top.mapping("title")
    if "title" in top and (set(titles) != set(LANGUAGES) or not all(titles.values())):
        top.refuse("title", "`title` is not in every language", "write {zh: name, en: name}")
    return titles


def _vars(top: Block) -> Declared:
    """The variables with their kinds; rows are written `items: {on: date, amount: money}`."""
    raw = top.take("vars")
    if raw is None:
        return Declared(MappingProxyType({}))
    try:
        lists = {name: {"rows": kind} for name, kind in raw.items() if isinstance(kind, dict)}
        found = declared({**raw, **lists}, lists=True)
    except (KindError, AttributeError) as error:
        why = str(error) if isinstance(error, KindError) else "no mapping"
        top.refuse(
            "vars", f"`vars` {why}", "write {name: kind}, or {name: {column: kind}} for rows"
        )
        return Declared(MappingProxyType({}))
    shapes = found.rows.values()
    if found.optional or any(shape.optional for shape in shapes):
        mend = "leave the `?` out: whether a variable is set is found from the ways to it"
        top.refuse("vars", "a kind with `?`", mend)
    return found


def _nodes(block: Block | None, defaults: _Defaults, top: Block) -> Mapping[str, AnyNode]:
    if block is None or not 0 < len(block.each()) <= MAX_NODES:
        top.refuse("nodes", "no nodes, or too many", f"give 1 to {MAX_NODES} nodes")
        return MappingProxyType({})
    nodes: dict[str, AnyNode] = {}
    for name in block.each():
        inner = block.block(name, f"node {name}")
        node = _node(name, inner, defaults) if inner else None
        if node is not None:
            nodes[name] = node
    return MappingProxyType(nodes)


def _node(name: str, block: Block, defaults: _Defaults) -> AnyNode | None:
    kind = block.one_of("kind", tuple(_KINDS))
    if not kind:
        return None
    node = _KINDS[kind](name, block, defaults)
    if len(node.say) > MAX_SAY:
        block.refuse("say", f"more than {MAX_SAY} prompts", "split the node")
    block.finish()
    return node


# -- what is inherited ------------------------------------------------------------------------


def _defaults(block: Block | None) -> _Defaults:
    if block is None:
        return _Defaults(_BARE, MappingProxyType({}))
    entry_keys = block.mapping("entry_keys")
    asking = _asking(block, _BARE, "keys", _BARE.keys)
    block.finish()
    return _Defaults(asking, entry_keys)


def _asking(block: Block, base: Asking, key_name: str, keys: Mapping[str, str]) -> Asking:
    """`base` with the block's own keys over it; a key left empty is unbound."""
    merged = {**keys, **block.mapping(key_name)}
    words = ("noinput", "invalid", "exhausted")
    return Asking(
        first_digit=block.seconds("first_digit", MAX_TIMER_S, base.first_digit),
        inter_digit=block.seconds("inter_digit", MAX_TIMER_S, base.inter_digit),
        tries=block.whole("tries", 1, MAX_TRIES, base.tries),
        barge_in=block.flag("barge_in", base.barge_in),
        noinput=_handling(block, "noinput", base.noinput),
        invalid=_handling(block, "invalid", base.invalid),
        exhausted=block.text("exhausted", base.exhausted),
        keys=MappingProxyType({key: target for key, target in merged.items() if target}),
        removed=frozenset(word for word in words if block.removed(word)),
    )


def _handling(block: Block, key: str, inherited: tuple[str, ...]) -> tuple[str, ...]:
    if key not in block or block.removed(key):
        block.take(key)
        return inherited
    inner = block.block(key, f"{block.what} {key}")
    if inner is None:
        return inherited
    say = inner.names("say")
    inner.finish()
    return say


# -- one function for each kind of node -------------------------------------------------------


def _common(name: str, block: Block, speaks: bool = True) -> dict[str, Any]:
    visits = block.whole("visits", 1, MAX_VISITS) if "visits" in block else None
    over = block.optional("over")
    if over is not None and visits is None:
        block.refuse("over", "`over` without `visits`", "add `visits: n` or remove `over`")
    say = block.names("say") if speaks else ()
    return {"name": name, "line": block.line, "say": say, "visits": visits, "over": over}


def _listing(block: Block) -> dict[str, Any]:
    """`each` and `row` of a node that speaks rows."""
    each, row = block.optional("each"), block.optional("row")
    if (each is None) != (row is None):
        block.refuse("each", "`each` and `row` go together", "write `each: variable, row: text`")
        return {}
    return {"each": each, "row": row}


def _language(block: Block) -> Language | None:
    if "language" not in block:
        return None
    return cast(Language, block.one_of("language", LANGUAGES) or LANGUAGES[0])


def _choices(block: Block, *, needed: bool = True) -> Mapping[str, str]:
    choices = block.mapping("choices")
    if not choices and needed:
        block.refuse("choices", "no choices", 'give `choices: {"1": node}`')
    for key, target in choices.items():
        if not key or len(key) > MAX_ENTRY or any(char not in KEYS for char in key):
            block.refuse("choices", f"`{key}` is no key", "use the keys 0-9, * and #")
        if not target:
            block.refuse("choices", f"`{key}` goes nowhere", "give it a node")
    return choices


def _menu(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    common = {**_common(name, block), **_listing(block)}
    pick, picked = block.mapping("pick"), block.optional("picked")
    if bool(pick) != (picked is not None) or (pick and common.get("each") is None):
        mend = "write `each`, `row`, `pick: {variable: column}` and `picked: node`"
        block.refuse("pick", "`pick` needs rows and a target", mend)
    first_key = block.whole("first_key", 1, MAX_PICKED_ROWS, 1)
    if first_key > 1 and not pick:
        block.refuse("first_key", "`first_key` without `pick`", "remove it, or add `pick`")
    return Menu(
        **common,
        pick=pick,
        picked=picked,
        first_key=first_key,
        only=_only(block),
        asking=_asking(block, defaults.asking, "keys", defaults.asking.keys),
        choices=_choices(block, needed=not pick or first_key > 1),
        default=block.optional("default"),
        language=_language(block),
    )


def _only(block: Block) -> Mapping[str, tuple[str, ...]]:
    """What is offered only where the call is able: `only: {fax_here: ["3", fax.offer]}`."""
    inner = block.block("only", f"{block.what} only") if "only" in block else None
    if inner is None:
        return MappingProxyType({})
    return MappingProxyType({name: inner.names(name) for name in inner.each()})


def _confirm(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    if block.flag("barge_in", False):
        mend = "remove `barge_in`: its values are heard before any key"
        block.refuse("barge_in", "barge-in on a confirm", mend, rule="confirm-barge-in")
    return Confirm(
        **_common(name, block),
        asking=_asking(block, defaults.asking, "keys", defaults.asking.keys),
        reads=block.names("reads"),
        choices=_choices(block),
    )


def _collect(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    return Collect(
        **_common(name, block),
        asking=_asking(block, defaults.asking, "entry_keys", defaults.entry_keys),
        into=block.text("into"),
        entry=entry_of(block),
        next=block.text("next"),
        public=block.flag("public", False),
        same_as=block.optional("same_as"),
    )


def _say(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    return Statement(
        **_common(name, block),
        **_listing(block),
        next=block.text("next"),
        barge_in=block.flag("barge_in", defaults.asking.barge_in),
        language=_language(block),
    )


def _call(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    return Call(
        **_common(name, block, speaks=False),
        service=block.text("service"),
        inputs=block.mapping("in"),
        then=block.mapping("then"),
        guarded_by=block.optional("guarded_by"),
        filler=block.optional("filler"),
    )


def _enter(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    common = _common(name, block, speaks=False)
    flow, then, constants = block.text("flow"), block.mapping("then"), block.mapping("set")
    often = block.optional("often")
    if often is not None and not WORD.fullmatch(often):
        block.refuse("often", f"`{often}` is no code", "write a code such as transfer")
    return Enter(**common, flow=flow, then=then, set=constants, often=often)


def _branch(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    common = _common(name, block, speaks=False)
    on, then = block.text("on"), block.mapping("then")
    if on[:1] != "$" or on == "$":
        block.refuse("on", f"`on: {on}` is no variable", "write `on: $variable`, one of kind word")
    if not then:
        block.refuse("then", "no codes", "give `then: {code: node}`")
    for code, target in then.items():
        if not WORD.fullmatch(code):
            block.refuse("then", f"`{code}` is no code", "write codes such as time_3m")
        if not target:
            block.refuse("then", f"`{code}` goes nowhere", "give it a node")
    return Branch(**common, on=on[1:], then=then, other=block.text("other"))


def _pace(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    common = _common(name, block, speaks=False)
    patience, speed = block.optional("patience"), block.optional("speed")
    if patience is None and speed is None:
        block.refuse("patience", "no pace", "give `patience`, `speed` or both")
    for key, code, known in (("patience", patience, PATIENCE), ("speed", speed, SPEEDS)):
        if code is not None and code[:1] != "$" and code not in known:
            mend = f"use {', '.join(known)}, or $variable"
            block.refuse(key, f"`{key}: {code}` is unknown", mend)
    return Pace(**common, patience=patience, speed=speed, next=block.text("next"))


def _return(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    return Return(**_common(name, block, speaks=False), exit=block.text("exit"))


def _queue(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    return Queue(
        **_common(name, block),
        skill=block.text("skill"),
        priority=block.whole("priority", 1, 9, 1),
        carry=block.names("carry"),
        then=block.mapping("then"),
    )


def _fax(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    common = _common(name, block)
    way = cast(Way, block.one_of("way", get_args(Way)) or "here")
    to, at = block.optional("to"), block.optional("at")
    if (to is not None) is (way == "here"):
        mend = "give `to: $number` or `to: registered` to a fax back or later, and to no other"
        block.refuse("to", f"`to` and `way: {way}` do not fit", mend)
    if way == "mail" and to != REGISTERED:
        mend = "give it `to: registered`: nobody keys in an address"
        block.refuse("to", f"`to: {to}` and `way: mail` do not fit", mend)
    if (at is not None) is not (way == "later"):
        block.refuse("at", f"`at` and `way: {way}` do not fit", "give `at: $time` to a fax later")
    return Fax(
        **common,
        document=block.text("document"),
        way=way,
        inputs=block.mapping("in"),
        to=to,
        at=at,
        filler=block.optional("filler"),
        then=block.mapping("then"),
    )


def _exit(name: str, block: Block, defaults: _Defaults) -> AnyNode:
    return Exit(**_common(name, block), reason=block.text("reason", "done"))


_KINDS: Mapping[str, Callable[[str, Block, _Defaults], AnyNode]] = MappingProxyType(
    {
        "menu": _menu,
        "collect": _collect,
        "confirm": _confirm,
        "say": _say,
        "call": _call,
        "enter": _enter,
        "branch": _branch,
        "pace": _pace,
        "return": _return,
        "queue": _queue,
        "fax": _fax,
        "exit": _exit,
    }
)
