"""Faults on real sockets: timers go on, and what is to be sent is sent."""

import asyncio

from support.sip_endpoint import Answering, answering
from telebank.calls.endpoint import Fact
from telebank.sip import CallEnded, CallOffered, CallRefused, Command


async def test_after_a_wake_that_fails_there_is_an_alarm() -> None:
    async with answering(t1=0.01) as bank, answering() as nobody:
        agent, loop = bank.endpoint.agent, asyncio.get_running_loop()
        wake, failed = agent.wake, asyncio.Event()
        loop.set_exception_handler(lambda *_: failed.set())

        def once(now: float) -> list[Command]:
            agent.wake = wake  # type: ignore[method-assign]
            raise KeyError("a fault in the machine itself")

        hop = nobody.hop("udp")
        await nobody.endpoint.close()
        agent.wake = once  # type: ignore[method-assign]
        bank.call(f"sip:nobody@127.0.0.1:{hop.port}", hop)
        assert (await bank.has(CallRefused)).status == 408  # by a timer after the one that failed
        assert failed.is_set()


async def test_an_application_that_fails_costs_its_call() -> None:
    class Failing(Answering):
        def fact(self, fact: Fact) -> None:
            if isinstance(fact, CallOffered) and not self.facts:
                self.facts.append(fact)
                raise KeyError("4711")
            super().fact(fact)

    async with answering(app=Failing()) as bank, answering() as caller:
        hop = bank.hop("tcp")
        target = f"sip:bank@127.0.0.1:{hop.port};transport=tcp"
        caller.call(target, hop)
        assert (await caller.has(CallRefused)).status == 500
        assert (await bank.has(CallEnded)).by == "error"
        await bank.trouble("fault: KeyError at ")
        assert not any("4711" in one.detail for one in bank.troubles())
        assert bank.endpoint.agent.faults == 1
        leg = caller.call(target, hop)  # over the same connection
        await bank.has(CallOffered, 2)
        caller.hang_up(leg)
