"""A real worker judges who answered: greetings of our own voices, a beep, a fax, nobody."""

import asyncio

import numpy as np
import pytest

from support.answering import Samples, clips, greeting, silence, tone
from support.media_bridge import Leg, open_leg, talk
from telebank import wire
from telebank.media.client import MediaWorkers


async def answered_by(
    pool: MediaWorkers, *sounds: Samples, most_ms: int = wire.MAX_JUDGED_MS
) -> Leg:
    """A call that is judged from its answer, and whoever answers has said this."""
    leg = await open_leg(pool)
    leg.channel.judge(most_ms)
    whole = np.concatenate(sounds)
    leg.peer.say(whole)
    await talk([leg], len(whole) / 8_000)
    return leg


async def heard_no_more(leg: Leg) -> None:
    """Nobody listens to it after its verdict: the kernel drops what is no key, and of the rest one
    packet in 64 is seen, as its figures say."""
    async with asyncio.timeout(40):
        while not any(isinstance(one, wire.Stats) and one.sampled for one in leg.events.all):
            await talk([leg], 0.2)


async def test_a_greeting_is_a_machine_and_its_beep_is_told(pool: MediaWorkers) -> None:
    sounds = (silence(300), greeting(), silence(300), tone(1_000, 400), silence(600))
    leg = await answered_by(pool, *sounds)
    verdict, beep = await leg.events.of(wire.Answered), await leg.events.of(wire.Beeped)
    assert (verdict.who, verdict.channel) == ("machine", leg.channel.number)
    assert verdict.greeting_ms > 1_400
    assert abs(beep.hertz - 1_000) <= 5
    assert beep.at_ms > verdict.at_ms


async def test_a_short_word_is_a_person_who_is_heard_no_more(pool: MediaWorkers) -> None:
    leg = await answered_by(pool, silence(400), clips(0.3, 0.7, 1)[0], silence(1_500))
    assert (await leg.events.of(wire.Answered)).who == "person"
    await heard_no_more(leg)


async def test_a_fax_and_nobody_are_told_side_by_side(pool: MediaWorkers) -> None:
    fax, nobody = await asyncio.gather(
        answered_by(pool, silence(300), tone(2_100, 1_500)), answered_by(pool, silence(200))
    )
    assert (await fax.events.of(wire.Answered)).who == "fax"
    assert (await nobody.events.of(wire.Answered)).who == "silence"


async def test_it_ends_when_its_time_is_up_and_when_it_matters_no_more(pool: MediaWorkers) -> None:
    short = await answered_by(pool, silence(100), most_ms=400)
    verdict = await short.events.of(wire.Answered)
    assert (verdict.who, verdict.at_ms) == ("unsure", 400)
    stopped = await answered_by(pool, silence(100))
    stopped.channel.stop_judging()
    stopped.channel.stop_judging()
    await talk([stopped], 0.3)
    await heard_no_more(stopped)
    assert not [event for event in stopped.events.all if isinstance(event, wire.Answered)]


async def test_so_many_are_judged_and_no_more(pool: MediaWorkers) -> None:
    legs = [await open_leg(pool) for _ in range(wire.MAX_JUDGED + 1)]
    for leg in legs:
        leg.channel.judge(wire.MAX_JUDGED_MS)
    verdict = await legs[-1].events.of(wire.Answered)
    assert (verdict.who, verdict.at_ms) == ("unsure", 0)
    legs[0].channel.close()
    await legs[0].events.of(wire.Closed)
    legs[-1].channel.judge(200)  # a place is free
    assert (await legs[-1].events.of(wire.Answered)).at_ms == 200


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
async def test_who_is_judged_is_heard_as_before(pool: MediaWorkers, codec: str) -> None:
    leg = await open_leg(pool, codec=codec)
    leg.channel.judge(wire.MAX_JUDGED_MS)
    leg.peer.say(silence(200))
    await talk([leg], 0.4)
    leg.peer.press("1")
    assert (await leg.events.of(wire.Key)).digit == "1"
