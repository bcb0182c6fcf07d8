"""The commands that move notes out of a store and back in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from zettel.server.cli.command import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    Invocation,
    ask_for_word,
    command,
    examples,
    option,
)
from zettel.storage.errors import InvalidArgumentError
from zettel.tools.printable import printable_lines


@command("log_level")
@examples(
    "zettel export notes.jsonl",
    "zettel export vault --format markdown --namespace bees",
    "zettel export notes.graphml",
)
async def export(
    call: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="Where; - for standard output.")],
    *,
    form: Annotated[
        str | None,
        option("jsonl, parquet, graphml or markdown; default: FILE's suffix.", "--format"),
    ] = None,
    namespaces: Annotated[
        list[str] | None, option("Only its notes; may be repeated.", "--namespace")
    ] = None,
    current: Annotated[
        bool, typer.Option("--current", help="Notes as they are now, without their history.")
    ] = False,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="With vectors; else they are made anew.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write notes into a file that other programs read, or a folder of Markdown."""
    from zettel.server.commands import transfer, vault  # noqa: PLC0415

    folder = file.expanduser().absolute()
    is_stream = file == transfer.STANDARD_OUTPUT
    if is_stream and form == vault.MARKDOWN:
        problem, remedy = "a folder does not go to standard output", "Name a folder."
        raise InvalidArgumentError("FILE|DIR", problem, remedy)
    if form == vault.MARKDOWN or (form is None and vault.Vault(folder).exists()):
        _refuse({"--vectors": vectors}, f"{folder} becomes a folder of Markdown", "Leave it out.")
        with call.progress() as progress:
            written = await vault.export_vault(
                call.settings, folder, tuple(namespaces or ()), force, progress
            )
        call.say(vault.export_vault_output(written))
        return
    request = transfer.ExportRequest(
        file=file if is_stream else folder,
        format=form,
        namespaces=tuple(namespaces or ()),
        current=current,
        vectors=vectors,
        force=force,
    )
    with call.progress() as progress:
        done = await transfer.export_once(call.settings, request, progress)
    output = transfer.export_output(done)
    if is_stream:
        typer.echo(output.render(as_json=call.as_json), err=True)
    else:
        call.say(output)


@command("namespace", "model", "log_level")
@examples(
    "zettel import ~/basic-memory --dry-run",
    "zettel import chatgpt.zip --namespace chats",
    "zettel import notes.jsonl --store DIR",
    "zettel import vault --yes",
)
async def import_notes(
    call: Invocation,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A file, a zip or a folder.")],
    *,
    from_format: Annotated[
        str | None,
        option(
            "zettel, server-memory, mem0, mcp-memory-service, mempalace, chatgpt,"
            " claude-export, claude-code, basic-memory or markdown; default: what SOURCE"
            " looks like.",
            "--from",
            metavar="FORMAT",
        ),
    ] = None,
    trusted: Annotated[
        bool, typer.Option("--trusted", help="Of another system: believe it as your own words.")
    ] = False,
    into_namespace: Annotated[
        str | None,
        option(
            "Of JSON lines: add all to this namespace of a store that has notes.", metavar="NAME"
        ),
    ] = None,
    with_tokens: Annotated[
        bool,
        typer.Option(
            "--with-tokens", help="Of JSON lines: access tokens in force; else they are revoked."
        ),
    ] = False,
    forget_deleted: Annotated[
        bool,
        typer.Option("--forget-deleted", help="Of zettel's folder: forget notes of removed files."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Of zettel's folder: keep in step until Ctrl-C.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be stored, and store nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, for scripts.")] = False,
) -> int:
    """Bring notes in: an export, what was edited in one, or the notes of another system."""
    from zettel.server.commands import transfer, vault  # noqa: PLC0415
    from zettel.server.commands.backup import restore_output  # noqa: PLC0415

    path = source.expanduser().absolute()
    is_own = from_format == transfer.OWN_FORMAT
    of_lines = {"--into-namespace": into_namespace, "--with-tokens": with_tokens}
    of_folders = {"--forget-deleted": forget_deleted, "--watch": watch}
    if from_format in (None, transfer.OWN_FORMAT):
        transfer.check_importable(path)
        if vault.Vault(path).exists() or (is_own and path.is_dir()):
            for_others = {**of_lines, "--trusted": trusted}
            _refuse(for_others, f"{path} is a folder of Markdown", "Leave it out.")
            if watch:
                await vault.watch_vault(call.settings, path, call.say)
            apply = yes and not dry_run
            return await _import_folder(call, path, apply=apply, forget_deleted=forget_deleted)
        if is_own or transfer.is_export(path):
            for_others = {**of_folders, "--trusted": trusted}
            problem = f"{path} is a file of JSON lines"
            _refuse(for_others, problem, "Leave it out.")
            remedy = "Pass --into-namespace, or nothing: each note has its own there."
            _refuse({"--namespace": call.flags.get("namespace")}, problem, remedy)
            if dry_run:
                problem = "is checked whole before anything is written, and all of it comes back"
                raise InvalidArgumentError("--dry-run", f"{path} {problem}", "Leave it out.")
            with call.progress() as progress:
                done = await transfer.import_lines(
                    call.settings, path, into_namespace, progress, with_tokens=with_tokens
                )
            call.say(restore_output(done, source="export"))
            return 0
    problem = f"{path} is no export of Zettel's"
    remedy = f"Leave it out, or add --from {transfer.OWN_FORMAT}."
    _refuse({**of_lines, **of_folders}, problem, remedy)
    return await _import_source(call, path, from_format, trusted=trusted, dry_run=dry_run, yes=yes)


def _refuse(given: Mapping[str, str | bool | None], problem: str, remedy: str) -> None:
    """Refuse the first option that was given and does nothing for the source."""
    for name, value in given.items():
        if value:
            raise InvalidArgumentError(name, problem, remedy)


async def _import_folder(
    call: Invocation, folder: Path, *, apply: bool, forget_deleted: bool
) -> int:
    """Take over what was edited in a folder that `zettel export` wrote."""
    from zettel.server.commands import vault  # noqa: PLC0415

    with call.progress() as progress:
        found = await vault.import_vault(
            call.settings, folder, apply=apply, forget_deleted=forget_deleted, tell=progress
        )
    call.say(vault.import_vault_output(found))
    return EXIT_FAILED if apply and any(edit.problem for edit in found.changes.edits) else 0


async def _import_source(
    call: Invocation, source: Path, form: str | None, *, trusted: bool, dry_run: bool, yes: bool
) -> int:
    """Import the notes of another system."""
    from zettel.server.commands import imports  # noqa: PLC0415

    request = imports.ImportRequest(source=source, format=form, trusted=trusted)
    async with imports.importing(call.settings, request) as work:
        if dry_run or not yes:
            with call.progress() as progress:
                found = await work.preview(progress)
            if dry_run or not imports.has_work(found):
                call.say(imports.report_output(found, dry=True))
                return 0
            typer.echo(printable_lines(imports.preview_text(found)), err=True)
            ask_for_word(imports.IMPORT_WORD)
        with call.progress() as progress:
            done = await work.run(progress, call.say_waiting)
        if done is None:
            for line in work.stopped().splitlines():
                call.tell(line)
            return EXIT_INTERRUPTED
    call.say(imports.report_output(done, dry=False))
    return 0
