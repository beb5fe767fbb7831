"""Each refusal of flow-format on a flow that is good but for one change, at its file and line."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from support.flow_bank import BANK, changed, findings_of, line_of
from telebank.flow.check import check_release
from telebank.flow.load import load_release
from telebank.flow.model import FlowError
from telebank.flow.options import FlowOptions
from telebank.flow.release import read_release

MAIN, PAY, EN, ZH = "flows/main.yaml", "flows/pay.yaml", "prompts/en.yaml", "prompts/zh.yaml"
SERVICES = "services.yaml"


@dataclass(frozen=True)
class Broken:
    """`old` becomes `new` in `file`; `rule` is refused in `at` on the line with `words`."""

    what: str
    file: str
    old: str
    new: str
    rule: str
    words: str
    at: str = ""


BROKEN = (
    # texts
    Broken(
        "a prompt missing in a language",
        ZH,
        '  main.news: "没有新闻。"\n',
        "",
        "prompt",
        "news: {kind",
        at=MAIN,
    ),
    Broken("a prompt of no language", MAIN, "say: main.news", "say: main.news@fr", "prompt", "@fr"),
    Broken(
        "a text with a variable that is not declared",
        EN,
        "no news.",
        "no news of {weather|digits}.",
        "declared",
        "news: {kind",
        at=MAIN,
    ),
    Broken(
        "a text with a variable not yet set on some way",
        ZH,
        "没有新闻。",
        "号码{code|digits}没有新闻。",
        "not-set",
        "news: {kind",
        at=MAIN,
    ),
    Broken(
        "a secret spoken", EN, "Enter the PIN.", "{pin|digits}?", "secret", "pin: {kind", at=MAIN
    ),
    Broken(
        "a card number read out whole",
        EN,
        "Enter the PIN.",
        "{card|digits}",
        "reading",
        "pin: {k",
        at=MAIN,
    ),
    Broken(
        "an amount read as digits",
        EN,
        "fee {fee|money}",
        "fee {fee|digits}",
        "reading",
        "confirm: {kind",
        at=PAY,
    ),
    # names
    Broken(
        "a target that is not there", MAIN, '"2": news', '"2": nowhere', "target", "menu: {kind"
    ),
    Broken("an entry that is not there", MAIN, "entry: menu", "entry: start", "target", "entry:"),
    Broken("a flow that is not there", MAIN, "flow: pay,", "flow: paid,", "flow", "pay: {kind"),
    Broken(
        "a service without contract",
        MAIN,
        "service: pin.verify",
        "service: pin.check",
        "service",
        "verify: {kind",
    ),
    Broken("a variable not declared", MAIN, "into: code", "into: kode", "declared", "code: {kind"),
    Broken(
        "a need not declared", PAY, "needs: [card]", "needs: [card, house]", "declared", "needs"
    ),
    Broken(
        "one name of two kinds", PAY, "ref: digits}", "ref: digits, code: text}", "kind", "vars"
    ),
    Broken(
        "an output of another kind", PAY, "payee: text, ", "payee: digits, ", "kind", "quote: {k"
    ),
    Broken(
        "money entered into a text", PAY, "amount: money,", "amount: text,", "kind", "amount: {k"
    ),
    # shape
    Broken(
        "a node that cannot be reached",
        MAIN,
        '"3": code',
        '"3": card',
        "unreachable",
        "code: {kind",
    ),
    Broken(
        "a flow that nothing enters",
        MAIN,
        "kind: enter, flow: pay, then: {ok: bye, failed: menu}",
        "kind: say, say: sys.bye, next: bye",
        "unreachable",
        "schema",
        at=PAY,
    ),
    Broken(
        "a node without an end",
        MAIN,
        "say: main.news, visits: 3, over: bye, next: menu",
        "say: main.news, visits: 3, over: news, next: news",
        "no-exit",
        "news: {kind",
    ),
    Broken(
        "a loop without a key or a bound",
        MAIN,
        "unavailable: bye}",
        "unavailable: verify}",
        "loop",
        "verify: {kind",
    ),
    Broken(
        "a bound that leads round",
        MAIN,
        "over: bye, next: menu",
        "over: news, next: menu",
        "loop",
        "news: {kind",
    ),
    Broken(
        "a flow inside itself",
        PAY,
        "{kind: say, say: pay.refused, next: failed}",
        "{kind: enter, flow: pay, then: {ok: failed, failed: failed}}",
        "flow",
        "refused: {kind",
    ),
    # outcomes
    Broken("an outcome without an exit", MAIN, "wrong_pin: pin, ", "", "outcome", "verify: {kind"),
    Broken(
        "an exit without an outcome",
        MAIN,
        "wrong_pin: pin, ",
        "wrong_pin: pin, lost: bye, ",
        "outcome",
        "verify: {kind",
    ),
    Broken(
        "an exit of a flow left out",
        MAIN,
        "{ok: bye, failed: menu}",
        "{ok: bye}",
        "outcome",
        "pay: {kind",
    ),
    Broken(
        "a queue that is always manned", MAIN, "{not_on_duty: sheet}", "{}", "outcome", "agent: {k"
    ),
    Broken(
        "a fax that always goes", MAIN, "{not_available: bye}", "{gone: bye}", "outcome", "sheet: {"
    ),
    # inputs and secrets
    Broken(
        "an input left out", MAIN, "{card: $card, pin: $pin}", "{card: $card}", "input", "verify: {"
    ),
    Broken(
        "an input too many",
        PAY,
        "{quote: $quote}",
        "{quote: $quote, card: $card}",
        "input",
        "post: {kind",
    ),
    Broken(
        "an input of another kind", PAY, "{quote: $quote}", "{quote: $amount}", "input", "post: {"
    ),
    Broken(
        "a secret where none belongs",
        MAIN,
        "{card: $card, pin: $pin}",
        "{card: $pin, pin: $pin}",
        "secret",
        "verify: {kind",
    ),
    Broken(
        "what is no secret as one",
        MAIN,
        "{card: $card, pin: $pin}",
        "{card: $card, pin: $code}",
        "secret",
        "verify: {kind",
    ),
    Broken(
        "a secret carried to a teller", MAIN, "carry: []", "carry: [pin]", "secret", "agent: {kind"
    ),
    Broken(
        "a secret shown in records",
        MAIN,
        "max: 12}, next",
        "max: 12}, public: true, next",
        "secret",
        "pin: {kind",
    ),
    Broken(
        "a secret used after it was passed",
        MAIN,
        "wrong_pin: pin, ",
        "wrong_pin: verify, ",
        "not-set",
        "verify: {kind",
    ),
    Broken(
        "a need that is not met",
        PAY,
        "needs: [card]",
        "needs: [card, ref]",
        "not-set",
        "pay: {k",
        at=MAIN,
    ),
    Broken(
        "a promise that is not kept",
        PAY,
        "gives: [ref]",
        "gives: [ref, quote, card, x]",
        "declared",
        "gives",
    ),
    Broken(
        "a promise kept on some ways only",
        PAY,
        "say: pay.refused, next: failed",
        "say: pay.refused, next: ok",
        "not-set",
        "ok: {kind",
    ),
    # money
    Broken(
        "money without a confirm", PAY, "guarded_by: confirm, ", "", "money-guard", "post: {kind"
    ),
    Broken(
        "money guarded by a menu",
        PAY,
        "guarded_by: confirm",
        "guarded_by: amount",
        "money-guard",
        "post: {kind",
    ),
    Broken(
        "money reached another way",
        PAY,
        "say: pay.refused, next: failed",
        "say: pay.refused, next: post",
        "money-guard",
        "post: {kind",
    ),
    Broken(
        "money reached by silence",
        PAY,
        'choices: {"1": post, "2": amount}}',
        'choices: {"1": post, "2": amount}, exhausted: post}',
        "money-guard",
        "post: {kind",
    ),
    Broken(
        "a term not read back",
        PAY,
        "reads: [payee, amount, fee]",
        "reads: [payee, amount]",
        "money-read-back",
        "confirm: {kind",
    ),
    Broken(
        "a term not read back in one language",
        ZH,
        "手续费{fee|money}，",
        "",
        "read-back",
        "confirm: {kind",
        at=PAY,
    ),
    Broken(
        "a quote gone stale",
        PAY,
        "kind: say, say: pay.later, next: failed",
        'kind: collect, say: pay.later, into: amount, money: {min: "1", max: "9"}, next: confirm',
        "money-quote",
        "confirm: {kind",
    ),
    Broken(
        "in doubt treated as not done",
        PAY,
        "in_doubt: doubt",
        "in_doubt: later",
        "money-ending",
        "post: {kind",
    ),
    Broken(
        "not done treated as in doubt",
        PAY,
        "not_done: later",
        "not_done: doubt",
        "money-ending",
        "post: {kind",
    ),
    Broken(
        "in doubt told as failed",
        EN,
        "This is not confirmed.",
        "This failed.",
        "money-ending",
        "doubt: {kind",
        at=PAY,
    ),
    Broken(
        "in doubt without a warning",
        ZH,
        "，请不要重复办理",
        "",
        "money-ending",
        "doubt: {kind",
        at=PAY,
    ),
    Broken(
        "not done told as unconfirmed",
        ZH,
        "没有办理。",
        "没有办理，还没有得到确认。",
        "money-ending",
        "later: {kind",
        at=PAY,
    ),
    # contracts
    Broken(
        "money with other outcomes",
        SERVICES,
        "in_doubt, not_done]",
        "unavailable]",
        "contract",
        "pay.post:",
    ),
    Broken(
        "money without recovery",
        SERVICES,
        "effect: money, recovery: reverse",
        "effect: money, recovery: none",
        "contract",
        "pay.post:",
    ),
    Broken(
        "state without recovery",
        SERVICES,
        "effect: state, recovery: repeat",
        "effect: state, recovery: none",
        "contract",
        "card.block:",
    ),
    Broken(
        "state reversed",
        SERVICES,
        "effect: state, recovery: repeat",
        "effect: state, recovery: reverse",
        "contract",
        "card.block:",
    ),
    # menus
    Broken(
        "too many choices",
        MAIN,
        '"3": code}',
        '"3": code, "4": code, "5": code, "6": code}',
        "choices",
        "menu: {kind",
    ),
    Broken(
        "a choice that begins another",
        MAIN,
        '"3": code}',
        '"3": code, "31": code}',
        "prefix",
        "menu: {kind",
    ),
    Broken(
        "a choice that begins with an inherited key",
        MAIN,
        '"3": code}',
        '"3": code, "01": code}',
        "prefix",
        "menu: {kind",
    ),
    Broken(
        "barge-in on a confirm",
        PAY,
        "kind: confirm,",
        "kind: confirm, barge_in: true,",
        "confirm-barge-in",
        "confirm: {kind",
    ),
    Broken(
        "noinput removed",
        MAIN,
        "say: main.code,",
        "say: main.code, noinput: ~,",
        "handling",
        "code: {kind",
    ),
    Broken(
        "invalid removed",
        MAIN,
        "say: main.code,",
        "say: main.code, invalid: ~,",
        "handling",
        "code: {kind",
    ),
    Broken(
        "exhausted removed",
        MAIN,
        "say: main.code,",
        "say: main.code, exhausted: ~,",
        "handling",
        "code: {kind",
    ),
    Broken(
        "star as point and as back",
        PAY,
        'entry_keys: {"0#": failed}',
        'entry_keys: {"0#": failed, "*": failed}',
        "star",
        "amount: {kind",
    ),
    Broken(
        "a first-key way out inside an entry",
        MAIN,
        "into: code,",
        'into: code, entry_keys: {"0": agent},',
        "entry-exit",
        "code: {kind",
    ),
    Broken(
        "a way out that is a valid entry",
        MAIN,
        "{min: 3, max: 6}",
        "{min: 1, max: 6}",
        "entry-exit",
        "code: {kind",
    ),
    Broken(
        "a way out that is a valid amount",
        PAY,
        'min: "1"',
        'min: "0"',
        "entry-exit",
        "amount: {kind",
    ),
    # length
    Broken(
        "too much spoken", PAY, "entry: amount", "entry: amount\nbudget: 5s", "budget", "budget"
    ),
    # form
    Broken(
        "an unknown key", MAIN, "skill: general,", "skill: general, music: 4,", "format", "agent: {"
    ),
    Broken("an unknown kind of node", MAIN, "kind: fax,", "kind: telex,", "format", "sheet: {kind"),
    Broken(
        "a time without a unit", MAIN, "first_digit: 6s", "first_digit: 6", "format", "first_digit"
    ),
    Broken("another schema", MAIN, "ivr-flow/1", "ivr-flow/2", "format", "schema"),
    Broken(
        "another name than the file's", PAY, "flow: pay\n", "flow: paid\n", "format", "flow: paid"
    ),
    Broken("not YAML", MAIN, "nodes:", "nodes: [", "format", "news: {kind"),
)


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.what)
def test_a_broken_release_is_refused_where_it_is_broken(case: Broken, tmp_path: Path) -> None:
    config = changed(tmp_path, case.file, case.old, case.new)
    found = findings_of(config)
    at = case.at or case.file
    line = line_of(config, at, case.words)
    assert (case.rule, at, line) in {(f.rule, f.file, f.line) for f in found}, found
    assert all(finding.problem and finding.mend for finding in found)
    with pytest.raises(FlowError):
        load_release(config)


def test_the_bank_of_these_tests_is_refused_nothing() -> None:
    assert findings_of(BANK) == []


def test_menus_in_a_row_without_an_agent_are_refused(tmp_path: Path) -> None:
    menu = 'kind: menu, say: main.menu, keys: {"0": ~}, choices:'
    deep = "".join(f'  deep{n}: {{{menu} {{"1": deep{n + 1}}}}}\n' for n in range(1, 5))
    config = changed(tmp_path, MAIN, '"3": code}', '"3": code, "4": deep1}')
    path = config / MAIN
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  bye: {", deep + "  deep5: {kind: exit}\n  bye: {"), "utf-8")
    line = line_of(config, MAIN, "deep4: {")
    assert [(f.rule, f.line) for f in findings_of(config)] == [("depth", line)]


def test_an_unbound_key_is_no_way_out(tmp_path: Path) -> None:
    config = changed(
        tmp_path, PAY, 'entry_keys: {"0#": failed}', 'entry_keys: {"0#": failed, "*": failed}'
    )
    path = config / PAY
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("into: amount,", 'into: amount, entry_keys: {"*": ~},', 1), "utf-8"
    )
    assert findings_of(config) == []


def test_measured_seconds_count_instead_of_estimates() -> None:
    release = read_release(BANK)
    found = check_release(release, FlowOptions(), lambda prompt, language: 30.0)
    assert {finding.rule for finding in found} == {"budget"}
    assert check_release(release, FlowOptions(), lambda prompt, language: 0.1) == []


def test_findings_come_by_file_and_line(tmp_path: Path) -> None:
    config = changed(tmp_path, MAIN, "exhausted: agent", "exhausted: nobody")
    found = findings_of(config)
    assert len(found) > 1
    assert found == sorted(found, key=lambda f: (f.file, f.line))


def test_the_hash_follows_every_file_of_the_release(tmp_path: Path) -> None:
    before = read_release(BANK).hash
    config = changed(tmp_path, ZH, "没有新闻。", "没有消息。")
    assert read_release(config).hash != before
    assert read_release(BANK).hash == before
