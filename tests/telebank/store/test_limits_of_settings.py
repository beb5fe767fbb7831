"""`[limits]` and `[second_factor]`: what is shipped, what is laid over it, what is refused."""

from pathlib import Path

import pytest

from telebank.settings import SettingsError, load_settings
from transactions.money import Money


def test_what_is_shipped_and_what_is_laid_over_it(tmp_path: Path) -> None:
    shipped = load_settings(tmp_path).transactions
    assert shipped.second_factor["transfer"] == Money.parse("10000.00")
    assert shipped.second_factor["transfer_registered"] == Money.parse("50000.00")
    assert shipped.limits["corporate_daily"] == Money.parse("500000.00")
    assert shipped.limits["payee_daily"] == Money.parse("50000.00")
    own = load_settings(tmp_path, {"second_factor": {"transfer": "1.00"}}).transactions
    assert own.second_factor["transfer"] == Money.parse("1.00")
    assert own.second_factor["transfer_registered"] == Money.parse("50000.00")


def test_a_tier_that_is_no_amount_is_refused_with_its_section(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[second_factor\]"):
        load_settings(tmp_path, {"second_factor": {"transfer": "much"}})


def test_whether_the_day_counts_is_said_beside_the_tiers(tmp_path: Path) -> None:
    assert load_settings(tmp_path).transactions.second_factor_per_day
    alone = load_settings(tmp_path, {"second_factor": {"per_day": False}}).transactions
    assert not alone.second_factor_per_day
    assert set(alone.second_factor) == {"transfer", "transfer_registered"}
    with pytest.raises(SettingsError, match="per_day is true or false"):
        load_settings(tmp_path, {"second_factor": {"per_day": "no"}})
