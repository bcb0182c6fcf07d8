"""Commands that look after a store: evolution, runs, backups, checks."""

from pathlib import Path
from typing import Annotated

import typer

from zettel.server.cli.command import (
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    Invocation,
    ask_for_word,
    command,
    confirmed,
    examples,
    option,
)
from zettel.storage.errors import InvalidArgumentError
from zettel.tools.printable import printable_lines


@command("log_level")
@examples("zettel audit --since 2026-11-01", "zettel audit --id 7K2QX9F --text")
async def audit(
    call: Invocation,
    *,
    principal: Annotated[str | None, option("A token's name, local, or scheduler.")] = None,
    since: Annotated[str | None, option("ISO 8601.")] = None,
    until: Annotated[str | None, option("ISO 8601.")] = None,
    note_id: Annotated[str | None, option("Of one note.", "--id")] = None,
    in_namespace: Annotated[str | None, option("Of one namespace.", "--namespace")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Lines at most; 0: all.")] = 100,
    text: Annotated[bool, typer.Option("--text", help="With the notes' words.")] = False,
) -> None:
    """Say who did what to which note, newest first; also runs, erasures and tokens."""
    from zettel.server.commands.audit import print_audit, read_query  # noqa: PLC0415

    query = read_query(
        principal=principal,
        since=since,
        until=until,
        note_id=note_id,
        namespace=in_namespace,
        limit=limit,
        with_text=text,
    )
    await print_audit(call.settings, query, call.say)


@command("namespace", "model", "log_level")
@examples("zettel evolve --dry-run", "zettel evolve --once")
async def evolve(
    call: Invocation,
    *,
    once: Annotated[bool, typer.Option("--once", help="Run now, to the end, and leave.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what --once would change, and change nothing.")
    ] = False,
    now: Annotated[str | None, option("ISO 8601; default: now.")] = None,
) -> None:
    """Evolve the notes of the store: embed, derive, link, compact."""
    if once == dry_run:
        message = (
            "evolve takes --once or --dry-run, one of them; a running server evolves its notes by"
            " itself"
        )
        raise typer.BadParameter(message)
    from zettel.server.commands import evolve as commands  # noqa: PLC0415

    moment = commands.read_now(now)
    with call.progress() as progress:
        if dry_run:
            output = commands.dry_run_output(
                await commands.dry_run(call.settings, moment, progress)
            )
        else:
            report = await commands.evolve_once(call.settings, moment, progress, call.say_waiting)
            output = commands.evolve_output(report)
    call.say(output)


@command("model", "log_level")
@examples("zettel reembed --model NAME --dry-run")
async def reembed(
    call: Invocation,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it costs, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, for scripts.")] = False,
) -> None:
    """Make all vectors of the store with another embedding model, while it serves."""
    from zettel.server.commands import reembed as commands  # noqa: PLC0415

    async with commands.reembedding(call.settings) as work:
        with call.progress() as progress:
            found = await work.preview(progress)
        if dry_run or not found.has_work:
            call.say(commands.preview_output(found))
            return
        typer.echo(printable_lines(found.said()), err=True)
        if not yes:
            ask_for_word(commands.REEMBED_WORD)
        with call.progress() as progress:
            done = await work.run(progress, call.say_waiting)
        call.say(commands.reembed_output(found, done))


@command("log_level")
@examples("zettel undo run-20261123074144-8e5ecd")
async def undo(
    call: Invocation,
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    *,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave notes that were changed since the run.")
    ] = False,
) -> int:
    """Undo a run: every note it touched is as before; an undo is a run, and can be undone."""
    from zettel.server.commands.evolve import undo_once, undo_output  # noqa: PLC0415

    undone = await undo_once(call.settings, run_id.strip(), partial, call.say_waiting)
    call.say(undo_output(undone))
    # Notes changed while the undo committed: it is partial without --partial.
    return EXIT_REFUSED if undone.report.left and not partial else 0


@command("log_level")
@examples("zettel move 7K2QX9F --to bees", "zettel move --from old-project --to new-project")
async def move(
    call: Invocation,
    note_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="The notes to move.")
    ] = None,
    *,
    into: Annotated[str, typer.Option("--to", metavar="NAMESPACE", help="Where; it may be new.")],
    source: Annotated[
        str | None,
        option("Move all notes of this namespace, after a preview.", "--from", metavar="NAMESPACE"),
    ] = None,
    confirm: Annotated[str | None, option("The word to type, for scripts.")] = None,
) -> None:
    """Move notes with their history to another namespace; undo brings them back."""
    from zettel.server.commands import moving  # noqa: PLC0415

    if bool(note_ids) == bool(source):
        raise InvalidArgumentError("ID", "neither or both are given", "Name notes, or --from.")
    if source is not None:
        done = await moving.move_namespace_once(
            call.settings,
            source,
            into,
            lambda preview, word: confirmed(preview, word, confirm),
            call.say_waiting,
        )
    else:
        done = await moving.move_notes_once(call.settings, note_ids or (), into, call.say_waiting)
    call.say(moving.move_output(done))


@command("log_level")
@examples("zettel runs")
async def runs(call: Invocation) -> None:
    """List the newest runs: when, who, what kind, what they changed, how they ended."""
    from zettel.server.commands.evolve import print_runs  # noqa: PLC0415

    await print_runs(call.settings, call.say)


@command("log_level")
@examples("zettel backup notes.zettel")
async def backup(
    call: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where; conventionally *.zettel.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
) -> None:
    """Write all notes with their history into one file; clients and engine may go on."""
    from zettel.server.commands.backup import back_up_once, backup_output  # noqa: PLC0415

    path = file.expanduser().absolute()
    with call.progress() as progress:
        done = await back_up_once(call.settings, path, force, progress)
    call.say(backup_output(done))


@command("model", "log_level")
@examples(
    "zettel restore notes.zettel",
    "zettel restore notes.zettel --into-namespace old",
    "zettel restore notes.zettel --into-namespace 'old-{}'",
)
async def restore(
    call: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    *,
    into_namespace: Annotated[
        str | None,
        option(
            "Add all its notes to this namespace of a store that has notes; with {} in it, to"
            " one for each of the backup's.",
            metavar="NAME",
        ),
    ] = None,
    with_tokens: Annotated[
        bool,
        typer.Option(
            "--with-tokens", help="Put its access tokens in force; else they are revoked."
        ),
    ] = False,
) -> None:
    """Bring a backup's notes back, into an empty store or a namespace; all of them or none."""
    from zettel.server.commands.backup import restore_once, restore_output  # noqa: PLC0415
    from zettel.server.commands.transfer import check_no_export  # noqa: PLC0415

    path = file.expanduser().absolute()
    check_no_export(path)
    with call.progress() as progress:
        done = await restore_once(
            call.settings, path, into_namespace, progress, with_tokens=with_tokens
        )
    call.say(restore_output(done))


@command("model", "log_level", log_level="error")
@examples("zettel doctor", "zettel doctor --fix", "zettel doctor --client claude-code")
async def doctor(
    call: Invocation,
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what the findings say.")] = False,
    client: Annotated[
        str | None,
        option("Instead, start what this client's configuration says, and call the tools."),
    ] = None,
) -> int:
    """Examine the store: keys, history, links, indices, model, files, engine, permissions."""
    if client is not None:
        from zettel.server.commands.client_check import check_client, check_output  # noqa: PLC0415
        from zettel.server.commands.clients import find_client  # noqa: PLC0415

        check = await check_client(client, find_client(client))
        call.say(check_output(check))
        return 0 if check.is_clean else EXIT_FAILED
    from zettel.server.commands.doctor import doctor_output, examine_once  # noqa: PLC0415

    with call.progress() as progress:
        report = await examine_once(call.settings, fix, progress)
    call.say(doctor_output(report))
    return 0 if report.is_clean else EXIT_FAILED


@command("model", "log_level")
@examples(
    "zettel verify-erased --id 01M83NN0QGEWXXSV57P2BDFJJJ", "zettel verify-erased --text words.txt"
)
async def verify_erased(
    call: Invocation,
    *,
    ids: Annotated[
        list[str] | None, option("A note that was erased.", "--id", metavar="ID")
    ] = None,
    texts: Annotated[
        list[str] | None, option("Its text, in a file of UTF-8.", "--text", metavar="FILE")
    ] = None,
    spared: Annotated[
        list[str] | None, option("A note that may say the same.", "--spare", metavar="ID")
    ] = None,
) -> int:
    """Decode every file of the store and look for notes that must be gone. Changes nothing."""
    if not ids and not texts:
        message = "verify-erased takes --id ID or --text FILE, each as often as need be"
        raise typer.BadParameter(message)
    from zettel.server.commands.verify import read_question, verify, verify_output  # noqa: PLC0415

    query = read_question(ids or (), texts or (), spared or ())
    with call.progress() as progress:
        report = await verify(call.settings, query, progress)
    call.say(verify_output(report, call.settings.store))
    if report.findings or report.elsewhere:
        return EXIT_FAILED
    return EXIT_UNAVAILABLE if report.unread else 0
