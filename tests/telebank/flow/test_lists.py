"""Lists, words and optional values on the machine: what is said, what is asked, what is kept."""

from datetime import date
from pathlib import Path
from types import MappingProxyType

import pytest

from support.flow_bank import LISTS
from support.flow_caller import CARD, Caller
from telebank.flow.commands import Record, Say, Submit, Told
from telebank.flow.events import KeyPressed, PlayEnded
from telebank.flow.load import load_release
from telebank.flow.pathtest import play
from telebank.flow.playbook import load_playbook
from telebank.flow.session import Session
from telebank.flow.state import Phase
from transactions.money import Money, currency
from transactions.outcome import Row, Rows

RELEASE = load_release(LISTS)


def row(day: int, what: str, fen: int) -> Row:
    return MappingProxyType(
        {"on": date(2026, 1, day), "what": what, "amount": Money(fen, currency("CNY"))}
    )


THREE: Rows = (row(3, "salary", 500_000), row(2, "fee", -200), row(1, "refund", 1))


@pytest.fixture
def caller() -> Caller:
    """At the front menu, which has been heard."""
    caller = Caller(RELEASE).start()
    caller.press(f"{CARD}#")
    return caller


@pytest.fixture
def at_page(caller: Caller) -> Caller:
    """The first page is being spoken; another follows."""
    caller.press("1")
    caller.answer("ok", items=THREE, cursor="c7")
    return caller


def test_rows_are_spoken_one_by_one_and_then_the_node_s_own_words(at_page: Caller) -> None:
    said: list[Say] = []
    while at_page.session.phase is Phase.SPEAKING:
        said.append(at_page.saying)
        at_page.listen()
    assert [[spoken.prompt_id for spoken in say.prompts] for say in said] == [
        *[["list.row"]] * 3,
        ["list.more"],
    ]
    assert [say.prompts[0].values.get("n") for say in said] == [1, 2, 3, None]
    assert said[1].prompts[0].values == {"n": 2, **THREE[1]}
    assert [say.more for say in said] == [True, True, True, False]
    assert at_page.session.phase is Phase.LISTENING


def test_a_key_stops_all_rows(at_page: Caller) -> None:
    at_page.listen()
    at_page.press("#")
    assert at_page.of(Submit)[-1].inputs["cursor"] == "c7"
    assert at_page.session.phase is Phase.WAITING


@pytest.mark.parametrize("key", ["1", "2", "3"])
def test_a_row_is_chosen_by_its_number(at_page: Caller, key: str) -> None:
    at_page.press(key)
    chosen = THREE[int(key) - 1]
    assert at_page.heard == ["list.chosen"]
    assert at_page.saying.prompts[0].values == {"what": chosen["what"], "price": chosen["amount"]}


def test_there_are_only_as_many_keys_as_rows(at_page: Caller) -> None:
    at_page.press("4")
    assert [r.kind for r in at_page.of(Record)][-1] == "input.invalid"
    assert at_page.heard == ["sys.invalid"]


def test_a_menu_offers_no_row_that_has_no_key(caller: Caller) -> None:
    caller.press("1")
    caller.answer("ok", items=THREE * 4, cursor="c7")
    spoken = 0
    while caller.heard == ["list.row"]:
        spoken += 1
        caller.listen()
    assert spoken == 9
    assert "rows.cut" in [record.kind for record in caller.of(Record)]


def test_a_first_page_is_asked_for_without_a_cursor_even_after_others(at_page: Caller) -> None:
    assert "cursor" not in at_page.of(Submit)[-1].inputs
    at_page.press("2")
    at_page.press("1")  # the chosen row is interrupted, then the front menu
    assert at_page.of(Submit)[-1].inputs.keys() == {"card"}


def test_the_last_page_forgets_the_cursor(at_page: Caller) -> None:
    at_page.press("#")
    at_page.answer("last", items=THREE[:1])
    assert at_page.heard == ["list.last_row"]
    assert not at_page.session._memory.has("cursor")
    at_page.listen()
    assert at_page.heard == ["list.end"]


def test_a_result_is_told_once_all_its_rows_were_spoken(at_page: Caller) -> None:
    assert "Told" not in [type(command).__name__ for command in at_page.all]
    for _ in range(4):
        at_page.listen()
    assert [type(c).__name__ for c in at_page.all].count("Told") == 1


def test_the_first_row_that_is_cut_short_tells_nothing(at_page: Caller) -> None:
    at_page.now += 0.1
    at_page.feed(KeyPressed("#"))
    assert "Told" not in [type(command).__name__ for command in at_page.all]


def test_rows_that_a_caller_types_past_are_not_told(caller: Caller) -> None:
    caller.press("1#")
    caller.answer("ok", items=THREE, cursor="c7")
    assert caller.of(Submit)[-1].inputs["cursor"] == "c7"
    caller.answer("last", items=THREE)
    for _ in range(4):
        caller.listen()
    assert [command.exit for command in caller.all if isinstance(command, Told)] == ["last"]


def test_no_rows_are_their_own_exit(caller: Caller) -> None:
    caller.press("1")
    caller.answer("none", items=())
    assert caller.heard == ["list.empty"]


def test_a_call_goes_on_inside_a_list_from_its_dump(at_page: Caller) -> None:
    at_page.listen()
    data = at_page.session.dump()
    assert CARD not in data.decode()
    at_page.session = Session.load(data, RELEASE, "c1", at_page.options, at_page.vault)
    at_page.listen()
    assert at_page.saying.prompts[0].values == {"n": 3, **THREE[2]}
    at_page.press("2")
    assert at_page.saying.prompts[0].values["price"] == Money(-200, currency("CNY"))


def test_constants_are_set_and_unset_before_a_sub_flow(caller: Caller) -> None:
    caller.press("35#")
    assert caller.of(Submit)[-1].inputs["term"] == "m3"
    caller.answer("unavailable")
    caller.press("26#")
    asked = caller.of(Submit)[-1].inputs
    assert asked["kind"] == "savings"
    assert "term" not in asked


def test_a_row_that_cannot_be_said_is_left_out_and_the_result_not_told(caller: Caller) -> None:
    broken = MappingProxyType({"on": date(2026, 1, 1), "what": "fee"})
    caller.press("1")
    caller.answer("ok", items=(broken, THREE[0]), cursor="c7")
    assert caller.saying.prompts[0].values["n"] == 2
    caller.feed(PlayEnded(caller.saying.token, completed=True))
    caller.listen()
    assert "Told" not in [type(command).__name__ for command in caller.all]


PLAYBOOK = """
schema: ivr-playbook/1
tests:
  - name: two pages
    steps:
      - hears: [main.card]
      - keys: "6227000000000012#"
      - hears: [main.menu]
      - keys: "1"
      - service: entry.list
        exit: ok
        with: {cursor: null}
        data: {items: [{on: 2026-01-02, what: fee, amount: -2.00 CNY}], cursor: c7}
      - hears: [list.row, list.more]
      - keys: "#"
      - service: entry.list
        exit: EXIT
        with: {cursor: c7}
        data:
          items:
            - {on: 2026-01-01, what: fee, amount: 1 CNY}
            - {on: 2026-01-01, what: unheard_of, amount: 2 CNY}
      - hears: [list.last_row, list.last_row, list.end, main.menu]
    called: {entry.list: 2}
    told: [entry.list ok, entry.list last]
"""


def played(folder: Path, text: str) -> str | None:
    path = folder / "book.yaml"
    path.write_text(text, encoding="utf-8")
    (test,) = load_playbook(path)
    return play(RELEASE, test).problem


def test_a_playbook_answers_with_rows(tmp_path: Path) -> None:
    assert played(tmp_path, PLAYBOOK.replace("EXIT", "last")) is None


def test_a_playbook_s_exit_is_the_one_that_its_rows_make(tmp_path: Path) -> None:
    problem = played(tmp_path, PLAYBOOK.replace("EXIT", "ok"))
    assert problem is not None
    assert "takes last, not ok" in problem


def test_a_playbook_says_what_must_not_be_asked(tmp_path: Path) -> None:
    text = PLAYBOOK.replace("EXIT", "last").replace("{cursor: c7}\n", "{cursor: null}\n")
    problem = played(tmp_path, text)
    assert problem is not None
    assert "it is c7" in problem
