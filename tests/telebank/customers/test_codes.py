"""The codes in memory: each taken once, in its time, and gone after too many mistakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.customers.codes import CodeBook
from telebank.customers.options import CodeOptions
from transactions.secret import Secret

OPTIONS = CodeOptions(valid_s=180, wrong_max=3, held_max=3)


def _wrong(code: Secret) -> Secret:
    return Secret(f"{(int(code.reveal()) + 1) % 1_000_000:06d}")


def test_a_code_is_taken_once() -> None:
    book = CodeBook(OPTIONS)
    code = book.draw("a", 0)
    entered = Secret(code.reveal())
    assert len(code) == 6
    assert book.check("b", entered, 1) == "expired"
    assert book.check("a", entered, 1) == "ok"
    assert len(code) == 0  # wiped
    assert book.check("a", entered, 1) == "expired"


def test_a_code_is_over_after_its_time_and_wiped() -> None:
    book = CodeBook(OPTIONS)
    code = book.draw("a", 0)
    entered = Secret(code.reveal())
    assert book.check("a", _wrong(code), 179.9) == "wrong_code"
    assert book.check("a", entered, 180) == "expired"
    assert len(code) == len(book) == 0


def test_three_mistakes_use_a_code_up() -> None:
    book = CodeBook(OPTIONS)
    code = book.draw("a", 0)
    entered = Secret(code.reveal())
    wrong = _wrong(code)
    assert [book.check("a", wrong, 1) for _ in range(4)] == ["wrong_code"] * 3 + ["expired"]
    assert book.check("a", entered, 1) == "expired"
    assert len(code) == 0


def test_a_second_code_takes_the_place_of_the_first() -> None:
    book = CodeBook(OPTIONS)
    first = book.draw("a", 0)
    second = book.draw("a", 10)
    assert len(first) == 0
    assert book.check("a", Secret(second.reveal()), 189) == "ok"


def test_the_oldest_goes_where_there_are_too_many() -> None:
    book = CodeBook(OPTIONS)
    codes = {name: book.draw(name, 0) for name in "abcd"}
    assert [name for name, code in codes.items() if len(code) == 0] == ["a"]
    book.clear()
    assert not any(map(len, codes.values()))


def test_a_full_book_takes_entries_without_losing_a_code() -> None:
    book = CodeBook(OPTIONS)
    codes = {name: book.draw(name, 0).reveal() for name in "abc"}
    assert book.check("b", Secret("x"), 1) == "wrong_code"
    assert [book.check(name, Secret(code), 1) for name, code in codes.items()] == ["ok"] * 3


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("draw"), st.sampled_from("ab")),
        st.tuples(st.just("right"), st.sampled_from("ab")),
        st.tuples(st.just("wrong"), st.sampled_from("ab")),
        st.tuples(st.just("wait"), st.integers(1, 200)),
    ),
    max_size=40,
)


@given(STEPS)
def test_only_a_living_code_opens(steps: list[tuple[str, str | int]]) -> None:
    book, now = CodeBook(OPTIONS), 0.0
    drawn: dict[str, tuple[str, float, int]] = {}
    for what, value in steps:
        if isinstance(value, int):
            now += value
            continue
        digits, until, mistakes = drawn.get(value, ("000000", 0.0, 0))
        alive = until > now and mistakes < 3
        match what:
            case "draw":
                drawn[value] = (book.draw(value, now).reveal(), now + 180, 0)
            case "right":
                assert book.check(value, Secret(digits), now) == ("ok" if alive else "expired")
                drawn.pop(value, None)
            case _:
                said = book.check(value, _wrong(Secret(digits)), now)
                assert said == ("wrong_code" if alive else "expired")
                drawn[value] = (digits, until, mistakes + 1)


@pytest.mark.parametrize(
    "wrong",
    [{"valid_s": 0}, {"valid_s": 901}, {"wrong_max": 0}, {"hourly": 11}, {"held_max": 0}],
)
def test_options_have_bounds(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CodeOptions(**wrong)
