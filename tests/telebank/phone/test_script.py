"""Scripts of keys."""

import pytest

from telebank.phone.script import AwaitPrompt, Pause, Press, ScriptError, parse_script


def test_groups_waits_and_type_ahead() -> None:
    assert parse_script("1 !12# @auth.pin ~2.5 *") == (
        Press("1"),
        Press("12#", at_once=True),
        AwaitPrompt("auth.pin"),
        Pause(2.5),
        Press("*"),
    )


@pytest.mark.parametrize("text", ["x", "!", "~", "~-1", "~1e9", "12 3x", "1" * 3_000, "1 " * 201])
def test_what_cannot_be_read_is_refused_without_repeating_keys(text: str) -> None:
    with pytest.raises(ScriptError) as refused:
        parse_script(text)
    assert "12" not in str(refused.value)
