"""`telebank host verify`: whether a certification report is as it was signed."""

import json
from pathlib import Path

import click

from core_adapters.conformance.report import check_report
from core_adapters.conformance.seal import PUBLIC_FILE, SealError, read_public, verified
from telebank.commands.common import EXIT_FINDING, data_option, json_option

MAX_BYTES = 200_000_000


@click.command(name="verify")
@click.argument("report", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"Public key of who signed.  [default: DATA/keys/{PUBLIC_FILE}]",
)
@data_option
@json_option
def command(report: Path, key: Path | None, data: Path, as_json: bool) -> None:
    """Verify REPORT: the signature in it, and REPORT.sig where that is there. Exit 1 if wrong.

    \b
    Example:
      telebank host verify tb87.html --key certify.ed25519.pub
    """
    if report.stat().st_size > MAX_BYTES:
        raise click.UsageError(f"{report}: larger than {MAX_BYTES} bytes")
    try:
        public = read_public(key or data / "keys" / PUBLIC_FILE)
    except SealError as error:
        hint = "" if key else f"; give --key FILE, the {PUBLIC_FILE} of who signed, or --data"
        raise click.UsageError(f"{error}{hint}") from error
    page = report.read_bytes()
    findings = check_report(page.decode("utf-8", "replace"), public)
    detached = report.with_name(f"{report.name}.sig")
    if detached.exists() and not verified(public, page, detached.read_text("ascii").strip()):
        findings.append(f"{detached} is not the signature of this file")
    if as_json:
        click.echo(json.dumps({"report": str(report), "findings": findings}))
    else:
        click.echo("\n".join(findings) or f"{report} is as it was signed with key {public}")
    if findings:
        raise SystemExit(EXIT_FINDING)
