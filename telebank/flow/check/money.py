"""Money moves only after its own read-back, and the four ways it ends are never mixed up.

A change of state whose contract has `must_read_back` comes after a read-back of its own as well.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from telebank.flow.check.dataflow import fresh_answers, fresh_quotes, set_at, told_at
from telebank.flow.check.graph import all_edges, finding
from telebank.flow.model import AnyNode, Call, Confirm, Enter, Finding, Flow
from telebank.flow.options import LANGUAGES
from telebank.flow.release import Release
from telebank.flow.speech import prompt_of
from transactions.contract import Service

UNCONFIRMED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"en": ("not confirmed",), "zh": ("没有得到确认", "尚未确认", "未得到确认", "还没有确认")}
)
DO_NOT_REPEAT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"en": ("do not repeat",), "zh": ("不要重复", "请勿重复")}
)
NOT_DONE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": ("failed", "not made", "not done", "not accept", "no money has moved"),
        "zh": ("失败", "没有办理", "未办理", "没有成功", "未成功", "没有接受", "没有划出"),
    }
)
"""Words that say which it is (rule 4: unknown is told as not confirmed, never as failed)."""


def _confirmed_calls(release: Release, flow: Flow) -> Iterator[tuple[Call, Service]]:
    """The calls that a confirm must come before."""
    for node in flow.nodes.values():
        if isinstance(node, Call):
            service = release.contracts[node.service]
            if service.effect == "money" or service.must_read_back:
                yield node, service


def steering(release: Release, flow: Flow) -> Iterator[Finding]:
    """A change of state that has to do with money, and whose contract demands no read-back of it:
    one with an amount, or one that prepares what a money service carries out."""
    for node in flow.nodes.values():
        if not isinstance(node, Call):
            continue
        service = release.contracts[node.service]
        left_out = [
            name for name in _steers(release, service) if name not in service.must_read_back
        ]
        if service.effect == "state" and left_out:
            problem = f"{service.name}: nobody must read back {', '.join(left_out)}"
            mend = "add to its `must_read_back`, and read it in the confirm before each call"
            yield Finding("services.yaml", service.line, "money-terms", problem, mend)


def _steers(release: Release, service: Service) -> list[str]:
    """The inputs of a service that say what is paid: its amounts, and what the money service that
    it prepares reads back."""
    terms = {name for name, kind in service.inputs.items() if kind == "money"}
    prepared = service.proposes
    if prepared is not None and prepared in release.contracts:
        terms |= set(release.contracts[prepared].must_read_back) & set(service.inputs)
    return sorted(terms)


def _money_calls(release: Release, flow: Flow) -> Iterator[tuple[Call, Service]]:
    calls = _confirmed_calls(release, flow)
    return ((node, service) for node, service in calls if service.effect == "money")


def guards(release: Release, flow: Flow) -> Iterator[Finding]:
    """A money service, or one whose terms must be read back, without a confirm of its own."""
    for call, service in _confirmed_calls(release, flow):
        if call.guarded_by is None:
            does = "moves money" if service.effect == "money" else f"asks {service.name}"
            mend = "add `guarded_by: <confirm>` and lead to it from that confirm only"
            yield finding(flow, call, "money-guard", f"{does} without a confirm", mend)
    for node in flow.nodes.values():
        if isinstance(node, Call) and node.guarded_by is not None:
            yield from _guard(flow, node, node.guarded_by)


def _guard(flow: Flow, node: Call, guard: str) -> Iterator[Finding]:
    if not isinstance(flow.nodes.get(guard), Confirm):
        mend = "name a node of kind confirm"
        yield finding(flow, node, "money-guard", f"its guard `{guard}` is no confirm", mend)
        return
    if flow.entry == node.name:
        mend = f"enter the flow before {guard}"
        yield finding(flow, node, "money-guard", "the flow begins with it", mend)
    for edge in all_edges(flow):
        if edge.target != node.name:
            continue
        if edge.source != guard or not edge.via.startswith("choice"):
            problem = f"reached from {edge.source} by {edge.via}, not by a choice of {guard}"
            mend = f"lead {edge.source} to the confirm, or to its own call"
            yield finding(flow, node, "money-guard", problem, mend)
    others = [n.name for n in flow.nodes.values() if isinstance(n, Call) and n.guarded_by == guard]
    if others[0] != node.name:
        problem = f"shares its confirm {guard} with {others[0]}"
        yield finding(flow, node, "money-guard", problem, "give it a confirm of its own")


def read_back(release: Release, flow: Flow) -> Iterator[Finding]:
    """A confirm that does not read back its contract's terms, or reads back a stale quote."""
    for call, service in _money_calls(release, flow):
        guard = flow.nodes.get(call.guarded_by or "")
        if isinstance(guard, Confirm):
            quotes = fresh_quotes(release, flow, service.quoted_by or "").get(guard.name, ())
            if not quotes:
                problem = f"some way leads to it without a fresh {service.quoted_by}"
                mend = "ask for the quote again after anything that went into it was entered"
                yield finding(flow, guard, "money-quote", problem, mend)
            calls = [node for name in sorted(quotes) if isinstance(node := flow.nodes[name], Call)]
            for term in service.must_read_back:
                sources = {name for quote in calls for name in _sources(release, quote, term)}
                yield from _unread(flow, call, guard, sources if calls else {term})


def state_read_back(release: Release, flow: Flow) -> Iterator[Finding]:
    """A confirm before a change of state that does not read back its terms, or stale ones."""
    for call, service in _confirmed_calls(release, flow):
        guard = flow.nodes.get(call.guarded_by or "")
        if service.effect == "money" or not isinstance(guard, Confirm):
            continue
        sources = {term: call.inputs.get(term, "") for term in service.must_read_back}
        for term, source in sources.items():
            if source and not source.startswith("$"):
                problem = f"{term}, which {service.name} demands to be read back, is written out"
                mend = "pass a variable, set where the flow is entered (`set`)"
                yield finding(flow, call, "money-read-back", problem, mend)
        read = _read(call, service)
        yield from _unread(flow, call, guard, read)
        for name in sorted(read - fresh_answers(release, flow, read)[guard.name]):
            problem = f"some way leads to it with a {name} that answered something else"
            mend = "ask again after anything that went into that answer was entered"
            yield finding(flow, guard, "money-quote", problem, mend)


def left_out(release: Release, flow: Flow) -> Iterator[Finding]:
    """A change of state that leaves out a term which it may leave out, where the caller was told it
    on some way, or has given it on every way."""
    known = set_at(release, flow)
    for node in flow.nodes.values():
        terms = _leaves_out(release, node)
        told = told_at(release, flow, terms) if terms else {}
        none = frozenset[str]()
        for name in sorted(terms & (known.get(node.name, none) | told.get(node.name, none))):
            problem = f"leaves out {name}, which is known on some way to here"
            mend = f"pass {name} and read it back, or lead elsewhere where it is known"
            yield finding(flow, node, "money-read-back", problem, mend)


def _leaves_out(release: Release, node: AnyNode) -> set[str]:
    """The terms to be read back that a call leaves out, or one in a sub-flow that needs none."""
    match node:
        case Call():
            service = release.contracts[node.service]
            terms = set(service.optional) & set(service.must_read_back) - set(node.inputs)
            return terms if service.effect == "state" else set()
        case Enter():
            inner = release.flows[node.flow]
            left = {name for one in inner.nodes.values() for name in _leaves_out(release, one)}
            return left - set(node.set) - set(inner.needs)
        case _:
            return set()


def stale_on_entry(release: Release, flow: Flow) -> Iterator[Finding]:
    """A sub-flow that reads back what it needs, entered with an answer to something else."""
    for node in flow.nodes.values():
        if not isinstance(node, Enter):
            continue
        read = _read_inside(release, release.flows[node.flow]) - set(node.set)
        fresh = fresh_answers(release, flow, read).get(node.name, frozenset(read))
        for name in sorted(read - fresh):
            problem = f"some way leads to it with a {name} that answered something else"
            mend = "ask again after anything that went into that answer was entered"
            yield finding(flow, node, "money-quote", problem, mend)


def _read_inside(release: Release, flow: Flow) -> set[str]:
    """What a flow needs and reads back before a change of state, also in flows that it enters."""
    read: set[str] = set()
    for call, service in _confirmed_calls(release, flow):
        read |= _read(call, service) if service.effect != "money" else set()
    for node in flow.nodes.values():
        if isinstance(node, Enter):
            read |= _read_inside(release, release.flows[node.flow]) - set(node.set)
    return read & set(flow.needs)


def _read(call: Call, service: Service) -> set[str]:
    """The variables that go into what a change of state demands to be read back."""
    sources = (call.inputs.get(term, "") for term in service.must_read_back)
    return {source[1:] for source in sources if source.startswith("$")}


def _unread(flow: Flow, node: Call, guard: Confirm, sources: set[str]) -> Iterator[Finding]:
    for name in sorted(sources):
        if name not in guard.reads:
            problem = f"does not read back {name}, which {node.service} demands"
            mend = f"add {name} to `reads` and to its texts"
            yield finding(flow, guard, "money-read-back", problem, mend)


def _sources(release: Release, quote: Call, term: str) -> Iterator[str]:
    """The variable that holds `term`, an input of the quote (the variable that went in) or an
    output of it; none where the call leaves out an optional input."""
    if term in quote.inputs:
        yield quote.inputs[term].removeprefix("$")
    elif term not in release.contracts[quote.service].optional:
        yield term


def endings(release: Release, flow: Flow) -> Iterator[Finding]:
    """`in_doubt` treated as not done, `not_done` as in doubt, or two outcomes as one."""
    for node, service in _money_calls(release, flow):
        seen: dict[str, str] = {}
        for outcome in service.outcomes:
            target = node.then.get(outcome, "")
            if target in seen:
                problem = f"`{seen[target]}` and `{outcome}` both go to {target}"
                yield finding(flow, node, "money-ending", problem, "give each its own words")
            seen[target] = outcome
        yield from _words(release, flow, node, "in_doubt", UNCONFIRMED, wanted=True)
        yield from _words(release, flow, node, "in_doubt", DO_NOT_REPEAT, wanted=True)
        yield from _words(release, flow, node, "in_doubt", NOT_DONE, wanted=False)
        yield from _words(release, flow, node, "not_done", NOT_DONE, wanted=True)
        yield from _words(release, flow, node, "not_done", UNCONFIRMED, wanted=False)


def _words(
    release: Release,
    flow: Flow,
    node: Call,
    outcome: str,
    words: Mapping[str, tuple[str, ...]],
    *,
    wanted: bool,
) -> Iterator[Finding]:
    told = flow.nodes.get(node.then.get(outcome, ""))
    if told is None:
        return
    for language in LANGUAGES:
        ids = [prompt_of(item, language)[0] for item in told.say]
        texts = [
            release.texts[language][name].text for name in ids if name in release.texts[language]
        ]
        said = " ".join(texts).lower()
        if any(word in said for word in words[language]) is not wanted:
            must = "must say" if wanted else "must not say"
            either = " or ".join(f"“{word}”" for word in words[language])
            problem = f"`{outcome}` of {node.name} {must} {either} in {language}"
            mend = f"change its text in prompts/{language}.yaml, or lead to a node that says so"
            yield finding(flow, told, "money-ending", problem, mend)
