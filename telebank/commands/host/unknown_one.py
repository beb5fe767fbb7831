"""One request as `telebank host unknown REFERENCE` shows it: its history, and what to look up."""

import dataclasses
import json

import click

from telebank.commands.host.standing import Standing, money_text, plain, row_amount, time_text
from telebank.store.unsettled import Decision, History, Message
from transactions.lifecycle import UNSETTLED, State


def show(found: History, standing: Standing, as_json: bool) -> None:
    """Print all there is of one request."""
    if as_json:
        whole = dataclasses.asdict(found) | {
            "look_up": [_keys(message) for message in _to_look_up(found)],
            "decisions": _decisions(found),
            "standing": standing.word,
        }
        click.echo(json.dumps(whole, ensure_ascii=False, default=plain))
        return
    row = found.row
    click.echo(
        f"{row.reference}  {row.service}  {row_amount(row)}  business date {row.business_date}"
    )
    who = f"{row.payer_masked or '-'} -> {row.payee_masked or '-'}"
    click.echo(f"{who}; the customer last heard: {row.told or 'nothing'}")
    click.echo("\nHistory (UTC)")
    for step in found.steps:
        click.echo(f"  {time_text(step.at)}  {step.state:<17} {step.why}")
    click.echo("\nMessages (UTC)")
    for message in found.messages:
        click.echo(f"  {time_text(message.sent_at)}  {_message(message)}")
    if found.people:
        click.echo("\nPeople (UTC)")
    for decision in found.people:
        _say_decision(decision)
    if found.notes:
        click.echo("\nAlarms and late answers (UTC)")
    for note in found.notes:
        click.echo(f"  {time_text(note.at)}  {note.kind:<19} {note.text}")
    if row.state in UNSETTLED:
        _say_lookup(found)
        _say_decisions(found, standing)


def _say_decision(one: Decision) -> None:
    said = one.result.replace("_", "-")
    click.echo(f"  {time_text(one.proposed_at)}  {one.proposed_by} proposed {said}: {one.note}")
    if one.decided_at is not None:
        who = f"by {one.decided_by}: " if one.decided_by else ""
        click.echo(f"  {time_text(one.decided_at)}  {one.state} {who}{one.decider_note}")


def _say_lookup(found: History) -> None:
    click.echo("\nLook up at the host")
    for message in _to_look_up(found):
        for name, value in _keys(message).items():
            click.echo(f"  {name:<24} {value}")
    click.echo("  Was it posted, and was it not undone afterwards (a reversal with field 90)?")


def _say_decisions(found: History, standing: Standing) -> None:
    if found.row.state is not State.MANUAL:
        told = standing.text or "the gateway still settles it"
        click.echo(f"\n{found.row.state}: {told}; nothing to decide yet")
        return
    click.echo("\nThen, first one person and after him another")
    for result, text in _decisions(found).items():
        click.echo(f"  telebank host resolve {found.row.reference} {result} --note '…'")
        click.echo(f"      {text}")


def _to_look_up(found: History) -> list[Message]:
    """The message that asked the host to do it; repeats carry the same keys."""
    return [message for message in found.messages if message.role == "request"][:1]


def _keys(message: Message) -> dict[str, str]:
    return {
        "MTI": message.mti,
        "field 3, processing code": message.processing_code,
        "field 4, amount": message.amount,
        "field 7, sent (UTC)": message.field7,
        "field 11, STAN": message.stan,
        "field 32, acquirer": message.field32,
        "field 37, reference": message.field37,
        "field 41, terminal": message.field41,
    }


def _decisions(found: History) -> dict[str, str]:
    """What each result does."""
    day = found.row.business_date
    held = ", ".join(
        f"{money_text(hold.amount, hold.currency)} of {hold.limit}"
        for hold in found.holds
        if hold.state == "held"
    )
    used = f"{held} counts as used on {day}; " if held else ""
    free = f"{held} is free again on {day}; " if held else ""
    return {
        "posted": f"CLOSED_POSTED: {used}the customer's next call begins with: it was done",
        "not-posted": f"CLOSED_NOT_POSTED: {free}the customer's next call begins with: it was "
        "not done. Undo it at the host first if it has it",
    }


def _message(message: Message) -> str:
    reply = "no reply" if message.reply_at is None else f"reply 39={message.reply39 or '-'}"
    if message.reply_at is not None:
        reply += f" at {time_text(message.reply_at)}"
    keys = f"STAN {message.stan}, field 7 {message.field7}, field 37 {message.field37}"
    first = f"{message.mti} {message.role} {message.attempt}  {reply}"
    return f"{first}\n{'':18}{keys}, link {message.link}"
