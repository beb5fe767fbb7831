"""Services of second factors: codes by message, tokens, and which of them a customer has."""

import math
from dataclasses import dataclass
from functools import partial

from telebank.customers.asked import Asked, Handler, Run
from telebank.customers.codes import CodeBook
from telebank.customers.options import CodeOptions
from telebank.customers.sender import CodeNotSent, CodeSender
from telebank.staff import totp
from telebank.store import second_factors as jobs
from telebank.store.sealing import Keyring
from transactions.clock import Clock
from transactions.outcome import Approved, Declined, Outcome

TAIL = 4
"""Digits of a number that are spoken."""
MIN_NUMBER, MAX_NUMBER = 7, 15
"""Digits of a mobile number (E.164 section 6)."""


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The handlers."""

    run: Run
    keys: Keyring
    book: CodeBook
    sender: CodeSender | None
    """None: no codes are sent here."""
    options: CodeOptions
    clock: Clock

    def handlers(self) -> dict[str, Handler]:
        """By service."""
        return {
            "factor.kind": self.kind,
            "code.send": self.send,
            "code.verify": self.verify,
            "enrol.verify": self.verify,
            "token.verify": self.verify_token,
        }

    async def kind(self, asked: Asked) -> Outcome:
        """A token goes before messages."""
        if await self.run(partial(jobs.token, customer=asked.customer)) is not None:
            return Approved({"factor": "token"})
        return Approved({"factor": "none" if self.sender is None else "sms"})

    async def send(self, asked: Asked) -> Outcome:
        """Counted and logged before it is sent; the code is remembered only where it went."""
        number = asked.text("mobile")
        if self.sender is None or not _is_number(number):
            return Declined("unavailable")
        most = jobs.Most(self.options.hourly, self.options.daily)
        tail = number[-TAIL:]
        job = partial(jobs.may_send, by=asked.by, most=most, tail=tail)
        counted: str = await self.run(job, jobs.judged(asked.customer))
        told = Approved({"tail": tail, "minutes": math.ceil(self.options.valid_s / 60)})
        if counted != "ok":  # the same request again sends no second one (rule 9)
            return told if counted == "sent" else Declined(counted)
        code = self.book.draw(asked.customer, self.clock.monotonic())
        try:
            await self.sender.send(number, code)
        except CodeNotSent as error:
            self.book.drop(asked.customer)
            await self.run(partial(jobs.not_sent, by=asked.by, why=str(error)))
            return Declined("unavailable")
        return told

    async def verify(self, asked: Asked) -> Outcome:
        """Judge a code; a right one is used up before its event: it is never taken twice."""
        now = self.clock.monotonic()
        verdict = self.book.check(asked.customer, asked.secret("code"), now)
        await self.run(partial(jobs.tried, by=asked.by, outcome=verdict))
        return Approved() if verdict == "ok" else Declined(verdict)

    async def verify_token(self, asked: Asked) -> Outcome:
        """Judge what a token shows; each time step is taken once."""
        token: jobs.Token | None
        token = await self.run(partial(jobs.token, customer=asked.customer))
        if token is None:
            return Declined("unavailable")
        seed = self.keys.unseal_digits(token.seed)
        code, now = asked.secret("code").reveal(), self.clock.now().timestamp()
        step = totp.step_of(seed, code, now, token.step)
        taken = await self.run(partial(jobs.take_step, by=asked.by, step=step))
        return Approved() if taken else Declined("wrong_code")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and MIN_NUMBER <= len(text) <= MAX_NUMBER
