"""What a customer reads: pages drawn as a fax, and read back from the dots."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from PIL import Image

from fax.documents.layout import write_pdf
from fax.page.draw import pages
from fax.page.options import Continued, Resolution
from fax.words import Language
from support.fax_paper import paper, read_back

HIGH: Mapping[Resolution, int] = {"fine": 1, "standard": 2}
FIGURES = {
    "card_recent": ("622700XXXXXX7894", "2026-11-22", "123.45", "12,345.67", "38,537.01"),
    "transfer_receipt": (
        "622700XXXXXX7894",
        "622700XXXXXX1116",
        "12,345.67",
        "5.00",
        "012345678901",
    ),
    "fx_accounts": ("622700XXXXXX7894", "1,234.56", "98,765", "4.25%", "2027-03-01", "5,000.00"),
    "bill_detail": ("XXXXXXX1234", "2026-10", "25.00", "31.17", "56.25"),
    "fx_rates": ("712.34", "715.18", "4.6512"),
    "sec_today": ("09:31:02", "20,000.00", "1,500.50"),
}
"""Figures of the samples, on every page of both languages."""
ON_EVERY_PAGE = ("2026-11-22", "14:03:05", "01-3-F7")
HEADINGS = {
    "card_recent": ("近期交易明细", "摘要", "余额", "取款", "工资", "共12笔"),
    "transfer_receipt": ("转账回单", "流水号", "手续费"),
    "fx_accounts": ("外币账户明细", "子账户", "年利率", "美元"),
    "bill_detail": ("缴费账单明细", "账单月份", "本地通话费", "合计"),
    "fx_rates": ("外汇牌价", "买入价", "卖出价", "日元"),
    "sec_today": ("今日证券转账明细", "收入", "转出"),
}


def _image(name: str, language: Language, resolution: Resolution) -> Image.Image:
    return next(pages(write_pdf(paper(name, language)), resolution))


def _missed(
    page: Image.Image, wanted: Sequence[str], languages: str, resolution: Resolution, folder: Path
) -> list[str]:
    """What is not read. No eye is right about every dot at the first look: there are two."""
    missed = [*wanted]
    for smooth in (False, True):
        if missed:
            read = read_back(page, folder, languages, HIGH[resolution], smooth=smooth)
            words, run_on = read.split(), _run_on(read)
            missed = [
                one
                for one in missed
                if (_run_on(one) not in run_on if _joined(one) else one not in words)
            ]
    return missed


def _joined(text: str) -> bool:
    """Whether blanks inside do not matter: of masked numbers and Chinese."""
    return "XX" in text or not text.isascii()


def _run_on(text: str) -> str:
    """Without blanks, and what is masked as one sign: a row of X, some of which look like K."""
    return re.sub("[XxK]+", "X", text.replace(" ", ""))


@pytest.mark.parametrize("resolution", ["fine", "standard"])
@pytest.mark.parametrize("name", sorted(FIGURES))
def test_figures_are_read_right(name: str, resolution: Resolution, tmp_path: Path) -> None:
    page, wanted = _image(name, "en", resolution), (*FIGURES[name], *ON_EVERY_PAGE)
    assert _missed(page, wanted, "eng", resolution, tmp_path) == []


@pytest.mark.parametrize("resolution", ["fine", "standard"])
@pytest.mark.parametrize("name", sorted(HEADINGS))
def test_chinese_is_read_right(name: str, resolution: Resolution, tmp_path: Path) -> None:
    page, wanted = _image(name, "zh", resolution), (*HEADINGS[name], "锦云银行", "打印时间")
    assert _missed(page, wanted, "chi_sim", resolution, tmp_path) == []


def _strip(page: Image.Image) -> Image.Image:
    """The upper quarter of a page."""
    return page.crop((0, 0, page.width, page.height // 4))


@pytest.mark.parametrize("resolution", ["fine", "standard"])
def test_a_fax_that_goes_on_says_so(resolution: Resolution, tmp_path: Path) -> None:
    pdf = write_pdf(paper("card_recent", "en"))
    [page] = pages(pdf, resolution, Continued(0, "en"))
    assert "Page 1 of 1, continued" in read_back(_strip(page), tmp_path, "eng", HIGH[resolution])
    [page] = pages(pdf, resolution, Continued(0, "zh"))
    seen = read_back(_strip(page), tmp_path, "chi_sim", HIGH[resolution]).replace(" ", "")
    assert "第1页" in seen
    assert "续" in seen
