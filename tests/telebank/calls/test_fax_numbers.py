"""A number is one number, however it is written: what is denied is denied in every way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.calls.faxes.numbers import Number, matches, read
from telebank.calls.faxes.options import OutboundOptions
from telebank.calls.faxes.patterns import any_fits, understood
from telebank.calls.faxes.tolls import Refusal, Target, judge

CHINA = OutboundOptions()
CANTON = OutboundOptions(area_code="20")
AMERICA = OutboundOptions(
    country="1",
    trunk_prefix="1",
    international_prefix="011",
    without_trunk=(),
    carriers=("1010",),
    national_min=10,
    national_max=10,
)
SPAIN = OutboundOptions(
    country="34", trunk_prefix="", without_trunk=(), carriers=("1050",), national_max=9
)
OPEN = ("sip:192.0.2.7", "00*", *(f"{digit}*" for digit in range(10)))


def one(text: str, options: OutboundOptions = CHINA) -> str:
    found = read(options.plan, text)
    return found.dialled if isinstance(found, Number) else ""


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("020-5555 0000", "02055550000"),
        ("+862055550000", "02055550000"),
        ("00862055550000", "02055550000"),
        ("13812345678", "13812345678"),
        ("013812345678", "13812345678"),
        ("+86 138 1234 5678", "13812345678"),
        ("4008205555", "4008205555"),
        ("95588", "95588"),
        ("+44 20 7946 0958", "00442079460958"),
        ("00442079460958", "00442079460958"),
        ("+86 (0)20 5555 0000", ""),  # which of the two is meant is not guessed
        ("0086020" + "55550000", ""),
        ("086020" + "55550000", ""),
        ("8620" + "55550000", ""),
        ("17909020" + "55550000", ""),
        ("1790955550000", ""),
        ("12593955881", ""),
        ("17909955881", ""),  # as long as a mobile number
        ("+8617909955881", ""),
        ("017909" + "020", ""),
        ("20" + "55550000", ""),
        ("55550000", ""),
        ("9020" + "55550000", ""),
        ("0208", ""),
        ("020" + "5" * 10, ""),
        ("095588", ""),
        ("01095588", ""),
        ("+8695588", ""),
        ("000862055550000", ""),
        ("+0862055550000", ""),
        ("+12", ""),
        ("++442079460958", ""),
    ],
)
def test_one_form_of_each_number_or_none(text: str, number: str) -> None:
    assert one(text) == number


@pytest.mark.parametrize(
    ("options", "text", "number"),
    [
        (CANTON, "55550000", "02055550000"),
        (CANTON, "955500", "955500"),
        (AMERICA, "1 212 555 0100", "12125550100"),
        (AMERICA, "+12125550100", "12125550100"),
        (AMERICA, "01186 20 5555 0000", "0118620" + "55550000"),
        (AMERICA, "2125550100", ""),
        (SPAIN, "910 555 010", "910555010"),
        (SPAIN, "+34910555010", "910555010"),
    ],
)
def test_other_plans(options: OutboundOptions, text: str, number: str) -> None:
    assert one(text, options) == number


def test_who_writes_what_is_none_is_told_how() -> None:
    refused = judge(OutboundOptions(allow=OPEN), "55550000", staff=False)
    assert refused == Refusal("no_number", "write it with its area code, 0…, or with +86…")


@pytest.mark.parametrize("rule", ["020########", "+8620########", "00862055*", "020*", "+86*"])
@pytest.mark.parametrize("text", ["02055550000", "+862055550000", "0086 20 5555 0000"])
def test_a_rule_holds_for_every_writing(rule: str, text: str) -> None:
    allowed = judge(OutboundOptions(gateway="192.0.2.9", allow=(rule,)), text, staff=False)
    assert isinstance(allowed, Target)
    assert allowed.uri == "sip:02055550000@192.0.2.9:5060"
    denied = judge(OutboundOptions(gateway="192.0.2.9", allow=OPEN, deny=(rule,)), text, staff=True)
    assert isinstance(denied, Refusal)
    assert denied.rule == "denied"


@pytest.mark.parametrize("text", ["0205555000", "02055550000", "0205555000012", "95588", "955881"])
def test_digits_too_many_are_no_way_around_a_rule(text: str) -> None:
    deny = ("0205555000", "95588")
    found = judge(OutboundOptions(gateway="192.0.2.9", allow=OPEN, deny=deny), text, staff=True)
    assert isinstance(found, Refusal)
    assert found.rule in ("denied", "no_number")


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        ("020########", "02012345678", True),
        ("020########", "020123456789", False),
        ("020########", "0201234567", False),
        ("020########", "02112345678", False),
        ("02##*", "0201", True),
        ("02##*", "020", False),
        ("02*", "02", True),
        ("020", "0201", False),
    ],
)
def test_a_pattern_may_say_how_long_numbers_are(pattern: str, number: str, fits: bool) -> None:
    assert matches(pattern, number) == fits


# -- numbers abroad, and the country's own -------------------------------------------------------

HERE = ["02055550000", "+862055550000", "013812345678", "13812345678", "95588", "8820"]
AWAY = ["+870123456", "00870123456", "+881612345678", "+44 20 7946 0958", "+8520055550000"]


def ruled(text: str, allow: tuple[str, ...], deny: tuple[str, ...] = ()) -> str:
    """The rule that forbids a number, or nothing."""
    options = OutboundOptions(gateway="192.0.2.9", allow=allow, deny=deny)
    found = judge(options, text, staff=False)
    return found.rule if isinstance(found, Refusal) else ""


@pytest.mark.parametrize("allow", ["0##########", "0*", "00862#########", "008##*", "+86*", "8*"])
@pytest.mark.parametrize("text", AWAY)
def test_a_rule_for_the_country_is_none_for_numbers_abroad(allow: str, text: str) -> None:
    let_out = ruled(text, (allow,)) == ""
    assert let_out == (allow == "008##*" and text.lstrip("+0")[0] == "8")


@pytest.mark.parametrize("deny", ["00", "00*", "+", "+*", "+#*", "00#######"])
def test_nothing_abroad(deny: str) -> None:
    assert [ruled(text, OPEN, (deny,)) for text in AWAY] == ["denied"] * len(AWAY)
    assert [ruled(text, OPEN, (deny,)) for text in HERE] == [""] * len(HERE)


def test_one_country_abroad() -> None:
    for rule in ("+44*", "0044*", "+44##########", "0044"):
        assert [ruled(text, OPEN, (rule,)) == "denied" for text in AWAY] == [
            "44" in text for text in AWAY
        ]
    assert [ruled(text, ("+44##########",)) for text in HERE] == ["not_allowed"] * len(HERE)
    assert ruled("+44 20 7946 0958", ("0044##########",)) == ""


def test_everything_abroad_is_nothing_of_the_country() -> None:
    for allow in ("00*", "+*", "+8*"):
        assert [ruled(text, (allow,)) for text in HERE] == ["not_allowed"] * len(HERE)
        assert ruled("+870123456", (allow,)) == ""


def test_a_rule_without_prefix_is_for_short_mobile_and_local_numbers() -> None:
    assert [ruled(text, ("1*",)) for text in ("110", "13812345678", "01055550000")] == [
        *("", "", "not_allowed"),
    ]
    here = OutboundOptions(gateway="192.0.2.9", allow=("5555*",), area_code="20")
    told = [judge(here, text, staff=False) for text in ("55550000", "+862055550000", "5555")]
    assert all(isinstance(one, Target) for one in told)
    assert isinstance(judge(here, "055512345678", staff=False), Refusal)


@pytest.mark.parametrize(
    ("name", "rule", "why"),
    [
        ("deny", "0*", "'0\\*' may be numbers of the country or abroad: write \\+86"),
        ("deny", "0", "00… or \\+… for those abroad"),
        ("allow", "00", "with a star behind it"),
        ("allow", "020555", "9 to 11 digits behind 0"),
        ("allow", "020##########", "9 to 11 digits behind 0"),
        ("allow", "+86020*", "9 to 11 digits behind 0"),
        ("deny", "000*", "7 to 15 behind 00"),
        ("deny", "20" + "5" * 8, "numbers of the country have"),
        ("allow", "862055550000", "numbers of the country have"),
        ("allow", "17909*", "choose a carrier"),
        ("deny", "179", "choose a carrier"),
        ("allow", "+44", "7 to 15 behind 00"),
    ],
)
def test_a_rule_that_says_nothing_is_refused_as_it_is_read(name: str, rule: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: .*{why}"):
        OutboundOptions(allow=(rule,)) if name == "allow" else OutboundOptions(deny=(rule,))


def test_rules_of_other_plans() -> None:
    plan = AMERICA.plan
    assert any_fits(understood(plan, "1212*"), "+12125550100")
    assert not any_fits(understood(plan, "1*"), "+862055550000")
    assert any_fits(understood(plan, "011*"), "+862055550000")
    assert not any_fits(understood(plan, "+*"), "+12125550100")
    with pytest.raises(ValueError, match="011… or"):
        understood(plan, "0*")
    assert any_fits(understood(SPAIN.plan, "91#######"), "+34910555010")


# -- toll fraud ---------------------------------------------------------------------------------

AREA = st.sampled_from(["20", "10", "755"])
SUBSCRIBER = st.from_regex(r"(2[0-9]|3[0-9]|5[0-9]|8[1-9])[0-9]{6}", fullmatch=True)
MOBILE = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True).filter(lambda text: text[:3] != "179")
FRONT = ["", "0", "+86", "0086", "86", "086", "+860", "00860", "+86 (0)", "9", "9-0", "000"]
CARRIER = ["", "", "17909", "17951", "12593", "10193", "017909", "+8617909", "008612593"]
MORE = st.text("0123456789", max_size=6)
FILLER = st.sampled_from(["", "", " ", "-", ".", "(", ")"])


def written(data: st.DataObject, digits: str, front: list[str]) -> str:
    """As somebody would try it: prefixes, digits too many, fillers, the user of a SIP address."""
    text = data.draw(st.sampled_from(CARRIER)) + data.draw(st.sampled_from(front))
    text += digits + data.draw(MORE)
    text = "".join(char + data.draw(FILLER) for char in text)
    if data.draw(st.booleans()):
        return f"sip:{text.translate(str.maketrans('', '', ' ()'))[:32]}@192.0.2.7"
    return text


def refused(text: str, deny: str, area: str = "") -> bool:
    """Where all else is allowed."""
    options = OutboundOptions(gateway="192.0.2.9", allow=OPEN, deny=(deny,), area_code=area)
    return isinstance(judge(options, text, staff=True), Refusal)


@given(st.data(), AREA, SUBSCRIBER)
def test_no_writing_of_a_denied_number_is_let_out(
    data: st.DataObject, area: str, subscriber: str
) -> None:
    """Everything else is allowed; the rule is for an area, for a number, or as it is abroad."""
    here = area + subscriber
    rules = [f"0{here}", f"0{area}*", f"+86{here}", f"0086{area}*", f"0{here[:-3]}###"]
    text = written(data, here, FRONT)
    within = written(data, subscriber, ["", "9"])
    for rule in rules:
        assert refused(text, rule), rule
        assert refused(text, rule, area), rule
        assert refused(within, rule, area), rule
        assert refused(within, rule), rule


@given(st.data(), MOBILE)
def test_no_writing_of_a_denied_mobile_number_is_let_out(data: st.DataObject, number: str) -> None:
    text = written(data, number, FRONT)
    for rule in (number, f"0{number}", f"{number[:3]}*", f"+86{number[:4]}*", f"{number[:-2]}##"):
        assert refused(text, rule), rule


@given(st.data(), st.sampled_from(["95588", "110", "8820"]))
def test_no_writing_of_a_denied_short_number_is_let_out(data: st.DataObject, number: str) -> None:
    text = written(data, number, ["", "0", "+86", "0086", "9"])
    found = judge(
        OutboundOptions(gateway="192.0.2.9", allow=OPEN, deny=(number,)), text, staff=True
    )
    if isinstance(found, Target):  # with digits enough behind it, it is another area's number
        dialled = found.number.removeprefix("sip:").partition("@")[0]
        assert not dialled.startswith(number)


@given(st.text("0123456789+-. ()", max_size=24), st.sampled_from([CHINA, CANTON, AMERICA, SPAIN]))
def test_what_is_dialled_is_the_number_itself(text: str, options: OutboundOptions) -> None:
    """Once more through the plan it is the same, in either form."""
    found = read(options.plan, text)
    if isinstance(found, str):
        return
    assert read(options.plan, found.dialled) == found
    assert read(options.plan, found.form) == found


RULE = st.from_regex(r"(00|\+|0|\+86|0086)?[0-9]{1,6}#{0,11}\*?", fullmatch=True)


@given(RULE, st.text("0123456789", max_size=13), st.sampled_from(["", "0", "00", "+", "+86"]))
def test_a_rule_lets_out_only_what_begins_as_it_does(rule: str, more: str, front: str) -> None:
    """Of the writings of a number that was let out, one is the rule's own."""
    try:
        options = OutboundOptions(gateway="192.0.2.9", allow=(rule,))
    except ValueError:
        return
    text = front + rule.strip("#*+")[:4] + more
    found = read(options.plan, text)
    if isinstance(found, str) or ruled(text, (rule,)):
        return
    away = found.form.startswith("+") and not found.form.startswith("+86")
    assert not away or rule.startswith(("+", "00"))
    national = found.form.removeprefix("+86")
    writings = [found.dialled, f"0{national}", found.form, found.form.replace("+", "00")]
    assert any(matches(rule, writing) for writing in writings)
