"""`telebank host resolve`: two people close a request that the gateway could not settle."""

import json
from pathlib import Path

import click

from telebank.commands.approval import check_note
from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option
from transactions.request import REFERENCE_DIGITS, is_reference


@click.command(name="resolve")
@click.argument("reference")
@click.argument("result", type=click.Choice(("posted", "not-posted")))
@click.option("--note", required=True, help="What you saw at the host; no card numbers.")
@session_option
@data_option
@json_option
def command(
    reference: str, result: str, note: str, session: Path | None, data: Path, as_json: bool
) -> None:
    """Close a MANUAL request: the host did it (posted), or did not or undid it (not-posted).

    The first person proposes; the second, in a role that approves, says the same and thereby does
    it. Both write a note of what they saw at the host. `telebank host unknown REFERENCE` says what
    to look up and what each result will do.

    \b
    Examples:
      telebank host resolve 010000000042 posted --note "on the host's list of 22 November"
      telebank host resolve 010000000042 not-posted --note "not there; asked Mrs Wu"
    """
    if not is_reference(reference):
        raise click.UsageError(f"{reference!r}: a reference has {REFERENCE_DIGITS} digits")
    check_note(note)
    body = {
        "request_id": request_id(),
        "act": "request.resolve",
        "object": reference,
        "detail": {"result": result.replace("-", "_")},
        "note": note,
    }
    answer = call(data, "POST", "/v1/acts", body, need_token(data, session))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    elif answer["state"] == "approved":
        click.echo(
            f"{reference} is {answer['request_state']}: proposed by {answer['proposed_by']}, "
            f"approved by {answer['approved_by']}. The customer is told in his next call."
        )
    else:
        until = answer["approval"]["expires_at"][:16].replace("T", " ")
        click.echo(f"proposed: {reference} {result}; {answer['next']}, before {until} UTC")
