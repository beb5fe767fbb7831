"""What a form's service says of it before it is carried out: its terms, or why there are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from telebank.calls.forms.counter import Counter
from telebank.calls.forms.making import CURSOR
from telebank.calls.forms.model import Form
from telebank.calls.forms.slips import Result
from telebank.calls.forms.terms import Lookup
from telebank.calls.tellers.served import Served
from telebank.flow.commands import Submit
from transactions.answer import Answer
from transactions.outcome import Row, Value, Values
from transactions.quotes import quote_name

REPEATED, PROVE = "repeated", "prove"
"""Exits of a quote: the same was done minutes ago; it wants a second factor. The latter is one of
services without a quote too."""
MOST_PAGES = 4
"""Pages of a list in which a row is looked for."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """Terms that can be confirmed."""

    posted: Values = field(repr=False)
    """As the service takes them: of money the quote alone."""
    shown: Values = field(repr=False)
    """All of them, for words."""
    given: Values = field(repr=False)
    """What was filled in."""
    again: bool = False
    prove: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """A form that is being asked about."""

    form: Form
    served: Served
    counter: Counter
    visit: str
    factor: bool
    """He signs by a second factor too."""

    async def terms(self, inputs: dict[str, Value]) -> Quoted | Result:
        """Of what was filled in; of what only tells, its answer."""
        form, contracts = self.form, self.counter.edition.contracts
        for name, by in form.looks.items():
            wanted = {one: inputs[one] for one in contracts[by].inputs if one in inputs}
            told = await self._ask(by, wanted, "l")
            if told.exit != "ok":
                return self.counter.result(form, by, told, inputs)
            inputs[name] = told.data[name]
        rows = await self._rows(inputs)
        if isinstance(rows, Result):
            return rows
        if form.moves and form.asks == form.service:
            return Quoted(inputs, {**rows, **inputs}, inputs)
        answer = await self._ask(form.asks, inputs, "q")
        if not form.moves or answer.exit not in ("ok", REPEATED, PROVE):
            return self.counter.result(form, form.asks, answer, inputs)
        handle = quote_name(contracts[form.service], contracts)
        return Quoted(
            posted={handle: answer.data[handle]},
            shown={**rows, **inputs, **answer.data},
            given=inputs,
            again=answer.exit == REPEATED,
            prove=answer.exit == PROVE,
        )

    async def _ask(self, service: str, inputs: Values, mark: str) -> Answer:
        served = self.served
        submit = Submit(f"{self.visit}{mark}", service, inputs, served.level, served.card)
        return await served.ask(submit)

    async def _rows(self, inputs: Values) -> Result | Mapping[str, Value]:
        """What lists tell of what was filled in; of what is in none, that there is nothing."""
        found: dict[str, Value] = {}
        for name, by in self.form.rows.items():
            row = await self._row(by, inputs)
            if isinstance(row, Answer):
                told = self.counter.result(self.form, by.service, row, inputs)
                return replace(told, kind="refused")
            if name in row:
                found[name] = row[name]
        return found

    async def _row(self, by: Lookup, inputs: Values) -> Row | Answer:
        """The row; or the answer of a list that has none."""
        asks = self.counter.edition.contracts[by.service].inputs
        wanted = {name: inputs[name] for name in asks if name in inputs and name != CURSOR}
        for page in range(MOST_PAGES):
            told = await self._ask(by.service, wanted, f"r{page}")
            rows = told.data.get(by.rows, ())
            for row in rows if isinstance(rows, tuple) else ():
                if row.get(by.by) == inputs.get(by.by):
                    return row
            if told.exit != "ok" or not told.data.get(CURSOR):
                break
            wanted[CURSOR] = told.data[CURSOR]
        return replace(told, exit="none") if told.exit in ("ok", "last") else told
