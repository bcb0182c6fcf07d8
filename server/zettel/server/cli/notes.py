"""Commands over notes: recall, forget, list, show, history, audit."""

import sys
from typing import Annotated

import typer

from zettel.server.cli.command import Invocation, command


@command("namespace", "model", "log_level")
async def recall(
    call: Invocation,
    question: Annotated[
        str, typer.Argument(help="Without one: what the options match.", show_default=False)
    ] = "",
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each signal's part in each score.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Most notes, up to 100.")] = 10,
    subject: Annotated[str | None, typer.Option(show_default=False)] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Any of these; may be repeated.", show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option(show_default=False)] = None,
    session: Annotated[str | None, typer.Option(show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option(help="Happened or told since then.", show_default=False)
    ] = None,
    until: Annotated[str | None, typer.Option(show_default=False)] = None,
    as_of: Annotated[
        str | None, typer.Option(help="What was true then.", show_default=False)
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="What memory believed then.", show_default=False)
    ] = None,
) -> None:
    """Answer a question as an agent would be answered; best note first."""
    from zettel.server.commands.recall import RecallOptions, recall_once, recall_output  # noqa: PLC0415

    options = RecallOptions(
        question=question,
        limit=limit,
        subject=subject,
        tags=tag or (),
        kind=kind,
        session=session,
        since=since,
        until=until,
        as_of=as_of,
        known_at=known_at,
        explain=explain,
    )
    call.say(recall_output(await recall_once(call.settings, options)))


@command("namespace", "model", "log_level")
async def forget(
    call: Invocation,
    note_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", show_default=False)
    ] = None,
    *,
    erase: Annotated[
        bool, typer.Option("--erase", help="For good, with every revision and all made of it.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring forgotten notes back.")] = False,
    query: Annotated[str | None, typer.Option(show_default=False)] = None,
    subject: Annotated[str | None, typer.Option(show_default=False)] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Any of these; may be repeated.", show_default=False)
    ] = None,
    session: Annotated[str | None, typer.Option(show_default=False)] = None,
    until: Annotated[str | None, typer.Option(show_default=False)] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="With --erase: every note of --namespace.")
    ] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="With --erase: every note of the store.")
    ] = False,
    confirm: Annotated[
        str | None, typer.Option(help="The word to type, for scripts.", show_default=False)
    ] = None,
) -> None:
    """Forget notes, by ids at once, by filters after a preview; or erase them for good."""
    from zettel.server.commands.forget import ForgetRequest, forget_once, forget_output  # noqa: PLC0415

    request = ForgetRequest(
        note_ids=note_ids or (),
        query=query,
        subject=subject,
        tags=tag or (),
        session=session,
        until=until,
        erase=erase,
        undo=undo,
        whole=whole,
        everywhere=everywhere,
    )

    def confirmed(preview: str, word: str) -> bool:
        typer.echo(preview, err=True)
        if confirm is not None:
            return confirm == word
        typer.echo(f"Type {word!r} to go on: ", err=True, nl=False)
        return sys.stdin.readline().strip() == word

    call.say(forget_output(await forget_once(call.settings, request, confirmed)))


@command("namespace", "log_level")
async def list_notes(call: Invocation) -> None:
    """List every active note of the namespace, newest first."""
    from zettel.server.commands.notes import print_notes  # noqa: PLC0415

    await print_notes(call.settings, call.say)


@command("namespace", "log_level")
async def show(call: Invocation, note_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show one note, in whatever state and namespace it is."""
    from zettel.server.commands.notes import print_note  # noqa: PLC0415

    await print_note(call.settings, note_id, call.say)


@command("log_level")
async def history(call: Invocation, note_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show a note's revisions, oldest first: when, who, why, and what each one changed."""
    from zettel.server.commands.notes import print_history  # noqa: PLC0415

    await print_history(call.settings, note_id, call.say)


@command("log_level")
async def audit(
    call: Invocation,
    *,
    principal: Annotated[
        str | None, typer.Option(help="A token's name, local, or scheduler.", show_default=False)
    ] = None,
    since: Annotated[str | None, typer.Option(help="ISO 8601.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="ISO 8601.", show_default=False)] = None,
    note_id: Annotated[
        str | None, typer.Option("--id", help="Of one note.", show_default=False)
    ] = None,
    in_namespace: Annotated[
        str | None, typer.Option("--namespace", help="Of one namespace.", show_default=False)
    ] = None,
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
