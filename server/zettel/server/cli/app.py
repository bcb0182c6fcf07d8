"""The command line for people; MCP clients never load it."""

import os
import sys
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zettel.server.cli.command import (
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    AsJson,
    Invocation,
    LogLevelOption,
    ModelOption,
    NamespaceOption,
    StoreOption,
    command,
    say,
)
from zettel.server.cli.serve import serve
from zettel.server.commands.output import Output, printable, printable_lines
from zettel.server.config.errors import MisconfiguredError
from zettel.server.config.settings import config_file
from zettel.server.config.trust import confirm
from zettel.server.engine.attachment.attach import serve_client
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.spawn import EXIT_USAGE
from zettel.server.engine.ipc.store_path import chosen_store
from zettel.storage.backup.errors import BackupExistsError, StoreNotEmptyError
from zettel.storage.errors import (
    ChangedSinceError,
    HostRefusedError,
    InvalidArgumentError,
    NotConfirmedError,
    ServingError,
    StoreError,
    ZettelError,
)


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

    forgotten = await forget_once(
        call.settings, request, lambda preview, word: _confirmed(preview, word, confirm)
    )
    call.say(forget_output(forgotten))


def _confirmed(preview: str, word: str, given: str | None) -> bool:
    """Whether the person typed the word after the preview, or gave it as an option."""
    typer.echo(printable_lines(preview), err=True)
    if given is not None:
        return given == word
    typer.echo(f"Type {word!r} to go on: ", err=True, nl=False)
    return sys.stdin.readline().strip() == word


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


@command("namespace", "model", "log_level")
async def evolve(
    call: Invocation,
    *,
    once: Annotated[bool, typer.Option("--once", help="Run now, to the end, and leave.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what --once would change, and change nothing.")
    ] = False,
    now: Annotated[
        str | None, typer.Option(help="ISO 8601; default: now.", show_default=False)
    ] = None,
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


@command("log_level")
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
async def runs(call: Invocation) -> None:
    """List the newest runs: when, who, what kind, what they changed, how they ended."""
    from zettel.server.commands.evolve import print_runs  # noqa: PLC0415

    await print_runs(call.settings, call.say)


@command("log_level")
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
async def restore(
    call: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    *,
    into_namespace: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Add all its notes to this namespace of a store that has notes.",
            show_default=False,
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

    path = file.expanduser().absolute()
    with call.progress() as progress:
        done = await restore_once(
            call.settings, path, into_namespace, progress, with_tokens=with_tokens
        )
    call.say(restore_output(done))


@command("model", "log_level", log_level="error")
async def doctor(
    call: Invocation,
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what the findings say.")] = False,
) -> int:
    """Examine the store: keys, history, links, indices, model, files, engine, permissions."""
    from zettel.server.commands.doctor import doctor_output, examine_once  # noqa: PLC0415

    with call.progress() as progress:
        report = await examine_once(call.settings, fix, progress)
    call.say(doctor_output(report))
    return 0 if report.is_clean else EXIT_FAILED


@command("model", "log_level")
async def verify_erased(
    call: Invocation,
    *,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="A note that was erased.", show_default=False),
    ] = None,
    texts: Annotated[
        list[str] | None,
        typer.Option(
            "--text", metavar="FILE", help="Its text, in a file of UTF-8.", show_default=False
        ),
    ] = None,
    spared: Annotated[
        list[str] | None,
        typer.Option(
            "--spare", metavar="ID", help="A note that may say the same.", show_default=False
        ),
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
    call.say(verify_output(report))
    if report.findings or report.elsewhere:
        return EXIT_FAILED
    return EXIT_UNAVAILABLE if report.unread else 0


if TYPE_CHECKING:
    from zettel.server.auth.tokens import Token

token_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Access tokens: who may come in over HTTP and SSE, and to which namespaces.",
)


@token_app.command()
@command()
async def create(
    call: Invocation,
    *,
    name: Annotated[str, typer.Option(help="Whose it is; stamped into notes.")],
    namespace: Annotated[
        list[str] | None,
        typer.Option(help="NAME, or NAME:ro to only read; repeatable, first: default."),
    ] = None,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="For /metrics alone, without a namespace.")
    ] = False,
    expires: Annotated[
        str | None, typer.Option(help="30d, 12h, 8w, 90m, or a date.", show_default=False)
    ] = None,
) -> None:
    """Make an access token and show it, this once: from now on none comes in without one."""
    from zettel.server.commands import tokens  # noqa: PLC0415

    made, text = await tokens.create(call.settings, name, namespace or [], expires, metrics)
    call.say(Output({"token": text, **tokens.token_data(made, made.made_at)}, text))
    if not call.as_json:
        typer.echo(
            f"Token {made.token_id} of {made.name}: {_where(made)};"
            f" {_until(made.expires_at)}. It is not shown again. Send it as"
            " Authorization: Bearer TOKEN.",
            err=True,
        )


@token_app.command("list")
@command()
async def list_tokens(call: Invocation) -> None:
    """List the tokens, the oldest first: id, name, state, namespaces, end."""
    from zettel.server.commands import tokens  # noqa: PLC0415

    listed, now = await tokens.tokens(call.settings)
    for token in listed:
        where, until = _where(token), _until(token.expires_at)
        line = f"{token.token_id}  {token.name}  {token.state(now)}  {where}  {until}"
        call.say(Output(tokens.token_data(token, now), printable(line)))
    if not listed:
        none = "There are no tokens: the store is served on this machine only, to everybody."
        call.say(Output(None, none))


@token_app.command()
@command()
async def revoke(
    call: Invocation, token: Annotated[str, typer.Argument(metavar="NAME|ID")]
) -> None:
    """Revoke a token: its requests end within a second, open connections included."""
    from zettel.server.commands import tokens  # noqa: PLC0415

    gone = await tokens.revoke(call.settings, token)
    data = {"revoked": gone.token_id, "name": gone.name}
    call.say(Output(data, f"Revoked token {gone.token_id} of {gone.name}."))


config_app = typer.Typer(rich_markup_mode=None)


@command("namespace", "model", "log_level")
async def list_settings(call: Invocation) -> None:
    """Show every setting: its value, and whether a flag, a variable or config.toml says so."""
    from zettel.server.commands import config  # noqa: PLC0415

    for output in config.settings_output(config.setting_lines(call.settings)):
        call.say(output)


@config_app.command()
@command("log_level")
async def explain(call: Invocation, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Say what a setting means and takes, and what it is."""
    from zettel.server.commands import config  # noqa: PLC0415

    call.say(config.explain(call.settings, name))


@config_app.command("set")
@command("log_level")
async def set_setting(
    call: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
) -> None:
    """Write a setting into the store's config.toml."""
    from zettel.server.commands import config  # noqa: PLC0415

    call.say(config.set_setting(call.settings, name, value))


namespace_app = typer.Typer(rich_markup_mode=None)


@command("log_level")
async def list_namespaces(call: Invocation) -> None:
    """List the namespaces: name, notes, other names that lead to it."""
    from zettel.server.commands import namespaces  # noqa: PLC0415

    for output in namespaces.namespaces_output(await namespaces.namespaces(call.settings)):
        call.say(output)


@namespace_app.command()
@command("log_level")
async def merge(
    call: Invocation,
    source: Annotated[str, typer.Argument(metavar="FROM")],
    into: Annotated[str, typer.Argument(metavar="INTO")],
    *,
    confirm: Annotated[
        str | None, typer.Option(help="The word to type, for scripts.", show_default=False)
    ] = None,
) -> None:
    """Move all notes of FROM to INTO, after a preview; FROM becomes another name of INTO."""
    from zettel.server.commands import namespaces  # noqa: PLC0415

    merged = await namespaces.merge_once(
        call.settings,
        source,
        into,
        lambda preview, word: _confirmed(preview, word, confirm),
        call.say_waiting,
    )
    call.say(namespaces.merge_output(merged))


def _where(token: "Token") -> str:
    return "/metrics" if token.metrics else ", ".join(token.namespaces)


def _until(moment: datetime | None) -> str:
    return f"until {moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "without end"


model_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The embedding model on this machine."
)


@model_app.command("export")
@command("model", "log_level")
async def export_model(call: Invocation) -> None:
    """Export the embedding model to ONNX, which servers run faster and in less memory."""
    from zettel.server.commands.model import export_once, export_output  # noqa: PLC0415

    typer.echo("exporting, up to a minute", err=True)
    call.say(export_output(await export_once(call.settings)))


DISTRIBUTION = "zettel-mcp"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Persistent memory for AI agents. Without a command: an MCP server on stdio.",
)


def run() -> None:
    """Run the command line; an error of Zettel is one line on standard error."""
    try:
        app(prog_name="zettel", standalone_mode=True)
    except ZettelError as error:
        for line in str(error).splitlines():
            typer.echo(f"zettel: {printable(line)}", err=True)
        sys.exit(_exit_code(error))


_REFUSALS = (
    *(HostRefusedError, ChangedSinceError, NotConfirmedError),
    *(BackupExistsError, StoreNotEmptyError),
)


def _exit_code(error: ZettelError) -> int:
    if isinstance(error, MisconfiguredError):
        return min(_exit_code(problem) for problem in error.problems)
    if isinstance(error, InvalidArgumentError):
        return EXIT_USAGE
    if isinstance(error, _REFUSALS):
        return EXIT_REFUSED
    if isinstance(error, StoreError | ServingError):
        return EXIT_UNAVAILABLE
    return EXIT_FAILED


def _show_version(value: bool) -> None:
    if value:
        typer.echo(metadata.version(DISTRIBUTION))
        raise typer.Exit


@app.callback(invoke_without_command=True)
def stdio(
    context: typer.Context,
    *,
    store: StoreOption = None,
    namespace: NamespaceOption = None,
    session: Annotated[
        str | None, typer.Option(help="Session of notes told without one.", show_default=False)
    ] = None,
    model: ModelOption = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="auto, or legacy: the handshake era only.", show_default=False),
    ] = None,
    log_level: LogLevelOption = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Serve from this process, without an engine.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Persistent memory for AI agents. Without a command: an MCP server on stdio."""
    flags = {
        "store": store,
        "namespace": namespace,
        "session": session,
        "model": model,
        "protocol": protocol,
        "log_level": log_level,
    }
    context.obj = {name: value for name, value in flags.items() if value is not None}
    if context.invoked_subcommand is None:
        serve_client(context.obj | ({"in_process": "yes"} if in_process else {}))


@app.command()
def status(context: typer.Context, *, as_json: AsJson = False, store: StoreOption = None) -> None:
    """Say what runs in the background for the store: its engine, clients, model, queue, size."""
    from zettel.server.commands import engine  # noqa: PLC0415

    say(engine.status_output(engine.status(_rendezvous(context, store))), as_json)


@app.command()
def stop(context: typer.Context, *, as_json: AsJson = False, store: StoreOption = None) -> None:
    """End what runs in the background for the store, in good order; the next client starts it."""
    from zettel.server.commands import engine  # noqa: PLC0415

    pid = engine.stop(_rendezvous(context, store))
    text = "No engine runs." if pid is None else f"The engine (process {pid}) has ended."
    say(Output({"stopped": pid}, text), as_json)


@app.command()
def trust(context: typer.Context, *, as_json: AsJson = False, store: StoreOption = None) -> None:
    """Confirm the store's config.toml as it is now, so that all of its settings count."""
    file = config_file(_rendezvous(context, store).store)
    try:
        names = confirm(file)
    except (OSError, ValueError) as error:
        problem, remedy = f"it cannot be confirmed ({error})", "Make it, or mend it."
        raise InvalidArgumentError(str(file), problem, remedy) from None
    what = f"These settings count now: {', '.join(names)}." if names else "Its settings did before."
    text = f"Confirmed {file}. {what} What runs for the store takes them after zettel stop."
    say(Output({"confirmed": str(file), "settings": names}, text), as_json)


app.command()(serve)
app.add_typer(token_app, name="token")
app.add_typer(model_app, name="model")
config_app.callback(invoke_without_command=True)(list_settings)
app.add_typer(config_app, name="config")
namespace_app.callback(invoke_without_command=True)(list_namespaces)
app.add_typer(namespace_app, name="namespaces")
app.command("list")(list_notes)
for each in (
    *(recall, forget, show, history, audit),
    *(evolve, undo, runs),
    *(backup, restore, doctor, verify_erased),
):
    app.command()(each)


def _rendezvous(context: typer.Context, store: str | None) -> Rendezvous:
    """Where the engine of the store is met, which depends on no other setting."""
    flags: dict[str, str] = context.obj
    return Rendezvous(chosen_store({"store": store} if store else flags, os.environ))
