"""Texts that say until when a report of loss holds, where reports never expire."""

import pytest

from telebank.commands.wiring.loss import check_texts
from telebank.flow.load import load_release
from telebank.flow.options import FlowOptions
from telebank.settings import SettingsError, seed_dir
from transactions.hot_list import LossOptions


def test_the_shipped_texts_say_a_day_and_so_need_one() -> None:
    release = load_release(seed_dir(), FlowOptions())
    check_texts(release, LossOptions(1))
    with pytest.raises(SettingsError, match=r"telephone_valid_days is 0, but .*loss\.done.*until"):
        check_texts(release, LossOptions(0))
