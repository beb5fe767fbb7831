"""Papers of every shipped kind with values of a made-up customer, and eyes that read a fax."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
from PIL import Image, ImageSequence
from ruamel.yaml import YAML

from fax.documents.catalogue import load_documents
from fax.documents.compose import Answers, Stamp, compose
from fax.documents.formats import Texts
from fax.documents.kinds import DocumentKind
from fax.documents.paper import Paper, Table
from fax.words import Language
from transactions.card import CardNumber
from transactions.money import Money
from transactions.outcome import Row, Values

CONFIG = Path(__file__).resolve().parents[2] / "config"
CARD = CardNumber("6227001234567894")
REFERENCE = "01-3-F7"
MADE = datetime(2026, 11, 22, 14, 3, 5)  # noqa: DTZ001 - the bank's wall clock
BANKS: Mapping[Language, str] = {"zh": "锦云银行", "en": "Cloud Bank"}


@cache
def kinds() -> Mapping[str, DocumentKind]:
    """The shipped catalogue."""
    return load_documents(CONFIG / "documents.yaml")


@cache
def _prompts(language: Language) -> Mapping[str, Any]:
    read = YAML(typ="safe").load(CONFIG / "prompts" / f"{language}.yaml")
    return dict(read.get("texts") or read)


def texts(language: Language) -> Texts:
    """The shipped texts."""
    return lambda name: str(_prompts(language).get(name, ""))


def paper(
    name: str, language: Language, values: Values | None = None, answers: Answers | None = None
) -> Paper:
    """A paper of a shipped kind, with the customer's values unless others are given."""
    own, rows = SAMPLES[name]
    return compose(
        kinds()[name],
        own if values is None else values,
        rows if answers is None else answers,
        texts(language),
        Stamp(language, BANKS[language], REFERENCE, MADE),
    )


def entries(count: int) -> list[Row]:
    """What moved on a card: every third without its time, every fourth large."""
    rows: list[Row] = []
    balance = Decimal("8000.00")
    for index in range(count):
        moved = (Decimal("-123.45"), Decimal(500), Decimal("-39.90"), Decimal("12345.67"))[
            index % 4
        ]
        balance += moved
        row: dict[str, Any] = {
            "on": date(2026, 11, 22) - timedelta(days=index // 3),
            "what": ("withdrawal", "transfer_in", "purchase", "salary")[index % 4],
            "amount": Money.parse(str(moved)),
            "balance": Money.parse(str(balance)),
        }
        if index % 3:
            row["at"] = time(9, index % 60, 5)
        rows.append(row)
    return rows


def numbered(count: int, totals: int = 1) -> Paper:
    """A paper of so many rows called `R1`, `R2` and so on, with totals called `T1` and so on."""
    table = Table(
        ("Row", "Amount"),
        tuple((f"R{row}", f"{row}.00") for row in range(1, count + 1)),
        (80, 60),
        ("left", "right"),
        totals=tuple((f"T{row}", "1.00") for row in range(1, totals + 1)),
        closing="END",
    )
    return plain(title="Rows", reference=REFERENCE, facts=(("Card", "X"),), tables=(table,))


def plain(**changes: Any) -> Paper:
    """A paper of no kind, with nothing on it but what is said."""
    made = Paper(
        kind="plain", title="X", language="en", bank="", reference="1", made_at="2026-11-22"
    )
    return replace(made, **changes)


def texts_of(pdf: bytes) -> list[str]:
    """What is written on each page of a PDF."""
    document = pdfium.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


def images_of(tiff: Path) -> list[Image.Image]:
    """The pages of a TIFF as they stand in it."""
    with Image.open(tiff) as source:
        return [page.copy() for page in ImageSequence.Iterator(source)]


def read_back(
    image: Image.Image, folder: Path, languages: str, lines: int = 1, *, smooth: bool = False
) -> str:
    """What an eye that knows these languages (`eng`, `chi_sim`) reads on a page of a fax.

    `lines`: how high a line is drawn; of 98 to the inch twice as high, as a fax machine does.
    `smooth`: a second look, from a little further away.
    """
    way = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    seen = image.convert("L").resize((image.width, image.height * lines), way)
    file = folder / "seen.png"
    seen.save(file, dpi=(204, 196))
    done = subprocess.run(
        ["tesseract", str(file), "stdout", "-l", languages, "--psm", "6"],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    return re.sub(r"(?<=[^\x00-\x7f])[ \t]+(?=[^\x00-\x7f])", "", done.stdout)


def _money(text: str, code: str = "CNY") -> Money:
    return Money.parse(text, code)


_FX: Answers = [
    [
        {"unit": "usd", "amount": _money("1234.56", "USD"), "available": _money("1000", "USD")},
        {"unit": "jpy", "amount": _money("98765", "JPY"), "available": _money("98765", "JPY")},
    ],
    [
        {
            "sub": "0007",
            "kind": "term",
            "amount": _money("5000", "USD"),
            "rate": Decimal("4.2500"),
            "matures": date(2027, 3, 1),
        }
    ],
]
_BILL: Values = {
    "card": CARD,
    "biller": "fixed_phone",
    "number": "02888881234",
    "month": date(2026, 10, 1),
}
_CHARGES: Answers = [
    [
        {"what": "rent", "amount": _money("25.00")},
        {"what": "local", "amount": _money("31.17")},
        {"what": "late", "amount": _money("0.08")},
    ]
]
_TRANSFER: Values = {
    "card": CARD,
    "payee_masked": "622700******1116",
    "amount": _money("12345.67"),
    "fee": _money("5"),
    "ref": "012345678901",
}
_RATES: Answers = [
    [
        {"unit": "usd", "buy": Decimal("712.34"), "sell": Decimal("715.1800")},
        {"unit": "jpy", "buy": Decimal("4.6512"), "sell": Decimal("4.7")},
    ]
]
_MOVED: Answers = [
    [
        {"at": time(9, 31, 2), "what": "transfer_out", "amount": _money("-20000")},
        {"at": time(14, 1, 2), "what": "transfer_in", "amount": _money("1500.50")},
    ]
]
SAMPLES: Mapping[str, tuple[Values, Answers]] = {
    "card_recent": ({"card": CARD}, [entries(12)]),
    "sec_today": ({"card": CARD}, _MOVED),
    "fx_accounts": ({"card": CARD}, _FX),
    "bill_detail": (_BILL, _CHARGES),
    "transfer_receipt": (_TRANSFER, []),
    "fx_rates": ({}, _RATES),
}
"""What the menu and the host give for each shipped kind."""
