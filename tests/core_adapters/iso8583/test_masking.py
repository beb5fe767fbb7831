"""What may be shown: the card's ends, nothing behind a track's separator, and no PIN block."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.corehost.seed import trial_set
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.layout import Show
from core_adapters.iso8583.format.masking import masked
from core_adapters.iso8583.format.message import Message
from support.iso8583_kit import tb87
from support.money_secrets import found_in
from transactions.card import luhn_valid, mask

CARD = trial_set()[0].card
BEHIND = "99121010000042"
SHOWN: tuple[Show, ...] = ("clear", "pan", "masked", "never")


@pytest.mark.parametrize(
    ("digits", "six", "eight"),
    [
        ("6227009000000013", "622700******0013", "62270090****0013"),
        ("6227009000000000013", "622700*********0013", "62270090*******0013"),
        ("622700900000013", "622700*****0013", "622700*****0013"),
        ("622700900013", "622700**0013", "622700**0013"),
        ("62270090001", "*******0001", "*******0001"),
        ("4021", "**21", "**21"),
        ("1", "*", "*"),
        ("", "", ""),
    ],
)
def test_ends_of_a_card_number(digits: str, six: str, eight: str) -> None:
    assert (mask(digits), mask(digits, 8)) == (six, eight)


@given(
    st.sampled_from([CARD, CARD + "0", "622700000000"]),
    st.sampled_from("=D^"),
    st.text("0123456789?F ", min_size=4, max_size=20),
    st.sampled_from(SHOWN),
    st.sampled_from([6, 8]),
)
def test_nothing_behind_a_tracks_separator(
    card: str, separator: str, behind: str, show: Show, bin_digits: int
) -> None:
    for before in ("", "%B", ";", "track: "):
        shown = masked(f"{before}{card}{separator}{behind}", show, bin_digits)
        assert card not in shown
        assert show == "masked" or not any(sign.isdigit() for sign in shown.partition("•")[2])


@pytest.mark.parametrize("show", SHOWN)
def test_every_field_and_every_subfield_with_a_track_in_it(show: Show) -> None:
    """Whichever field such data stands in by mistake, and whatever the profile says of it."""
    fields = {number: replace(spec, show=show) for number, spec in tb87().fields.items()}
    codec = Codec(replace(tb87(), fields=fields))
    for number, spec in fields.items():
        for text in (f"{CARD}={BEHIND}", f"{CARD}D{BEHIND}", f"%B{CARD}^DOE/JOHN^{BEHIND}", CARD):
            held = text if spec.inside is None else _inside(text)
            shown = codec.describe(Message("0200", {number: held}))
            assert CARD not in shown
            assert BEHIND not in shown
            assert "DOE" not in shown


def _inside(text: str) -> str:
    """As the value of the field's second subfield (tags 02 are clear), and of an unknown one."""
    return "".join(f"{tag}{len(text):03d}{text}" for tag in ("02", "98"))


@pytest.mark.parametrize("number", [35, 36, 45, 52])
def test_tracks_and_pin_blocks_are_shown_by_no_profile(number: int) -> None:
    fields = {**tb87().fields, number: replace(tb87().fields[number], show="clear")}
    codec = Codec(replace(tb87(), fields=fields))
    (view,) = codec.view(Message("0200", {number: "A1B2C3D4E5F60718"}))
    assert view.text == "•••"


def test_eight_digits_where_the_profile_says_so() -> None:
    message = Message("0200", {2: "6227009000000013"})
    assert "62270090****0013" in Codec(replace(tb87(), bin_digits=8)).describe(message)
    assert "622700******0013" in Codec(tb87()).describe(message)


SPACED = (
    "6227 0090 0000 0013",
    "6227-0090-0000-0013",
    "622700 9000000013",
    "6227\u00a00090 00000013",
)
WIDE = "".join(chr(ord("０") + int(digit)) for digit in "6227009000000013")


@pytest.mark.parametrize("written", [*SPACED, WIDE])
@pytest.mark.parametrize("before", ["", "card ", "12 ", "0042-", "010000000042 "])
@pytest.mark.parametrize("behind", ["", " ZHANG", " 2512", " 17", "2512", "1225 123"])
def test_a_card_number_as_people_write_it(written: str, before: str, behind: str) -> None:
    shown = masked(f"{before}{written}{behind}", "clear")
    assert "0090" not in shown
    assert "9000" not in shown
    assert "622700******0013" in shown
    if behind[:4] in ("2512", "1225"):
        assert behind[:4] not in shown


@pytest.mark.parametrize("behind", ["2512", "1225", "2512123", "25122010000042"])
def test_a_card_number_with_its_expiry_behind_it(behind: str) -> None:
    shown = masked(CARD + behind, "clear")
    assert shown == mask(CARD) + "•••"
    assert masked(f"see {CARD}{behind} there", "clear") == f"see {mask(CARD)}••• there"


def test_every_card_number_of_a_text() -> None:
    text = f"{SPACED[0]} to {CARD}, then {SPACED[1]}"
    assert masked(text, "clear") == f"{mask(CARD)} to {mask(CARD)}, then {mask(CARD)}"
    assert masked(f"{CARD} {CARD}", "clear") == f"{mask(CARD)} {mask(CARD)}"


@given(
    st.integers(10**11, 10**18 - 1),
    st.lists(st.sampled_from(["", " ", "-"]), min_size=20, max_size=20),
)
def test_no_spacing_shows_a_card_number(body: int, gaps: list[str]) -> None:
    number = next(f"{body}{check}" for check in range(10) if luhn_valid(f"{body}{check}"))
    written = "".join(one + gap for one, gap in zip(number, gaps, strict=False)).strip(" -")
    shown = masked(written if len(written) >= 13 else number, "clear")
    assert number not in shown.replace(" ", "").replace("-", "")


def test_what_is_no_card_number_is_left_alone() -> None:
    for text in ("1001156C0000010000001002156D000001000000", "010000000042", "TB010001", "Q4C1D"):
        assert masked(text, "clear") == text
    run = "6227009000000014"
    assert not luhn_valid(run)
    assert masked(f"see {run}", "clear") == f"see {run}"
    assert masked(f"see {CARD}.", "clear") == f"see {mask(CARD)}."


def test_the_search_finds_what_it_looks_for() -> None:
    assert found_in(json.dumps({"text": CARD}).encode())
    assert not found_in(mask(CARD).encode())


def test_what_a_customer_has_owes_or_gets_is_never_shown_clear() -> None:
    """Amounts that say how rich somebody is, and the cursor, which may hold what the host likes."""
    profile, shown = tb87(), {}
    for number, name in [
        *((48, name) for name in ("arrears", "spent", "owed", "available")),
        *((48, name) for name in ("interest", "principal", "points", "gets")),
        (62, "cursor"),
    ]:
        part = profile.fields[number].part(name)
        assert part is not None
        shown[name] = part.show
    assert set(shown.values()) == {"masked"}
