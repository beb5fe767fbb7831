"""A browser that is a teller's telephone, as the console has it: what it may use, and its offer."""

import json
from pathlib import Path
from typing import Any

from support.desk_place import DeskPlace, desk_place
from telebank.console.desk.phone_texts import PHONE


async def offers(place: DeskPlace, sdp: str) -> Any:
    token = await place.desk.token("/desk")
    return await place.desk.post(
        "/desk/act/phone",
        json.dumps({"request_id": "0123456789abcdef", "sdp": sdp}),  # type: ignore[arg-type]
        headers={"X-CSRFToken": token, "Content-Type": "application/json"},
    )


async def test_the_microphone_is_for_own_pages_alone_in_both_languages(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await place.desk.login(place.people["li"])
        for place_in_pair, language in enumerate(("zh", "en")):
            page = await place.desk.get(f"/desk?lang={language}")
            policy = page.headers["Permissions-Policy"]
            assert policy == "camera=(), geolocation=(), microphone=(self)"
            assert PHONE["kind_browser"][place_in_pair] in page.get_data(as_text=True)
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]


async def test_an_offer_goes_to_the_node_and_one_too_long_does_not(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await place.desk.login(place.people["li"])
        refused = await offers(place, "v=0")
        assert (refused.status_code, refused.get_json()["code"]) == (409, "no_seat")
        assert place.part.acts == [("li", "phone", {"sdp": "v=0"})]
        assert (await offers(place, "v" * 16_385)).status_code == 400
        assert len(place.part.acts) == 1
