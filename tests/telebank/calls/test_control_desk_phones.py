"""`POST /v1/desk/phone`: who may offer, what is passed on, and how a refusal is said."""

from pathlib import Path
from typing import get_args

import pytest

from support.desk_house import open_desks
from support.staff_house import fresh
from telebank.calls.control.desk_phones import NO
from telebank.calls.tellers.browser_phone import OfferCode, OfferRefused


async def test_an_offer_is_passed_on_with_the_address_of_its_page(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        li = await desks.teller("li")
        desks.room.taken = "v=0 answer"
        headers = {"Forwarded": 'for="192.0.2.7"', "Authorization": f"Bearer {li.token}"}
        body = {"sdp": "v=0 offer"} | fresh()
        for _ in range(2):  # the same request is the same offer
            url = "http://node/v1/desk/phone"
            async with desks.client.post(url, json=body, headers=headers) as answer:
                assert (answer.status, await answer.json()) == (200, {"sdp": "v=0 answer"})
        assert desks.room.offered == [("li", "v=0 offer", "192.0.2.7")]
        assert (await desks.post(li, "desk/phone", sdp="v=0")).status == 200
        assert desks.room.offered[-1] == ("li", "v=0", ""), "no console asked"


@pytest.mark.parametrize("code", get_args(OfferCode))
async def test_a_refusal_has_its_code_and_says_what_to_do(tmp_path: Path, code: OfferCode) -> None:
    async with open_desks(tmp_path) as desks:
        li = await desks.teller("li")
        desks.room.taken = OfferRefused(code, "so it is")
        refused = await desks.post(li, "desk/phone", sdp="v=0")
        assert (refused.status, refused.body["code"]) == (NO[code][0], code)
        assert ("so it is" in refused.body["error"]) == ("{why}" in NO[code][1])


async def test_only_who_may_sit_at_a_desk_offers_and_nothing_too_long(tmp_path: Path) -> None:
    async with open_desks(tmp_path) as desks:
        sun = await desks.house.hire(desks.chen, desks.wu, "sun", "auditor")
        li = await desks.teller("li")
        asked = [
            await desks.post(None, "desk/phone", sdp="v=0"),
            await desks.post(sun, "desk/phone", sdp="v=0"),
            await desks.post(li, "desk/phone", sdp="v" * 16_385),
            await desks.post(li, "desk/phone", sdp=""),
        ]
        assert [one.status for one in asked] == [401, 403, 400, 400]
        assert desks.room.offered == []
