"""The command line for people; MCP clients never load it."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from zettel.server.cli import notes, serving, setup, transfer, upkeep
from zettel.server.cli.command import (
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    LogLevelOption,
    ModelOption,
    NamespaceOption,
    StoreOption,
    ThemedGroup,
    examples,
    option,
)
from zettel.server.commands.output import printable
from zettel.server.engine.ipc.file_lock import is_locked
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.spawn import COMPLETION, EXIT_USAGE
from zettel.server.engine.ipc.store_path import PlaceError, chosen_store, one_spelling
from zettel.storage.backup.errors import BackupExistsError, StoreNotEmptyError
from zettel.storage.errors import (
    ChangedMeanwhileError,
    ChangedSinceError,
    FirstPartError,
    HostRefusedError,
    InvalidArgumentError,
    LessTrustedError,
    LessTrustedWordsError,
    NotConfirmedError,
    NoteErasedError,
    NoteForgottenError,
    NoteNotFoundError,
    NotUndoableError,
    OtherRevisionError,
    QuotaExceededError,
    ServingError,
    StoreError,
    ZettelError,
)

DISTRIBUTION = "zettel-mcp"

app = typer.Typer(
    # With options of its own in every help, so only for a shell that asks.
    add_completion=COMPLETION in os.environ,
    cls=ThemedGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def run() -> None:
    """Run the command line; an error of Zettel is said on standard error."""
    # A closed stream is None, and the next file that is opened would get its number.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")
    try:
        app(prog_name="zettel", standalone_mode=True)
    except ZettelError as error:
        for line in (*said(error).splitlines(), *getattr(error, "__notes__", ())):
            typer.echo(f"zettel: {printable(line)}", err=True)
        sys.exit(_exit_code(error))
    except PlaceError as error:
        typer.echo(f"zettel: {printable(str(error))}", err=True)
        sys.exit(EXIT_USAGE)
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        # Of a file that was named, or of standard output: a full disk.
        where = repr(error.filename) if error.filename else "standard output"
        problem = f"{where} cannot be used: {error.strerror or error}. Name another one."
        typer.echo(f"zettel: {printable(problem)}", err=True)
        sys.exit(EXIT_FAILED)


_REFUSALS = (
    *(HostRefusedError, ChangedSinceError, NotConfirmedError, NotUndoableError),
    *(BackupExistsError, StoreNotEmptyError),
)


def _exit_code(error: ZettelError) -> int:
    # Slow, and no error happens most of the time.
    from zettel.server.config.errors import MisconfiguredError  # noqa: PLC0415

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
        from importlib import metadata  # noqa: PLC0415  slow, and for this option only

        typer.echo(metadata.version(DISTRIBUTION))
        place = Rendezvous(one_spelling(chosen_store({}, os.environ)))
        if is_locked(place.lock):
            running = place.read_record()
            typer.echo(f"engine: {running.get('version')}, process {running.get('pid')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
@examples(
    "zettel add 'Ana keeps bees in Ulm' --subject Ana",
    "zettel recall 'Where does Ana keep her bees?'",
    "zettel install claude-code",
)
def stdio(
    context: typer.Context,
    *,
    store: StoreOption = None,
    namespace: NamespaceOption = None,
    session: Annotated[str | None, option("Session of notes told without one.")] = None,
    model: ModelOption = None,
    protocol: Annotated[str | None, option("auto, or legacy: the handshake era only.")] = None,
    log_level: LogLevelOption = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Serve from this process, without an engine.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version, and the running engine's.",
            callback=_show_version,
            is_eager=True,
        ),
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
        # For clients only, and a command has no use for it.
        from zettel.server.engine.attachment.attach import serve_client  # noqa: PLC0415

        serve_client(context.obj | ({"in_process": "yes"} if in_process else {}))


THEMES: Mapping[str, Mapping[str, Callable[..., None]]] = {
    "Notes": {
        "recall": notes.recall,
        "search": notes.search,
        "list": notes.list_notes,
        "show": notes.show,
        "history": notes.history,
        "graph": notes.graph,
        "stats": notes.stats,
        "add": notes.add,
        "edit": notes.edit,
        "link": notes.link,
        "review": notes.review,
        "forget": notes.forget,
    },
    "Looking after them": {
        "evolve": upkeep.evolve,
        "runs": upkeep.runs,
        "undo": upkeep.undo,
        "move": upkeep.move,
        "audit": upkeep.audit,
        "backup": upkeep.backup,
        "restore": upkeep.restore,
        "export": transfer.export,
        "import": transfer.import_notes,
        "reembed": upkeep.reembed,
        "doctor": upkeep.doctor,
        "verify-erased": upkeep.verify_erased,
    },
    "Serving": {
        "open": serving.open_in_browser,
        "serve": serving.serve,
        "status": serving.status,
        "stop": serving.stop,
    },
    "Setting up": {
        "install": setup.install,
        "uninstall": setup.uninstall,
        "hook": setup.hook,
        "trust": setup.trust,
        "completion": setup.completion,
    },
}
"""The commands by the theme and in the order in which help lists them."""

for theme, commands in THEMES.items():
    for name, function in commands.items():
        app.command(name, rich_help_panel=theme)(function)

setup.config_app.callback(invoke_without_command=True)(setup.list_settings)
setup.namespace_app.callback(invoke_without_command=True)(setup.list_namespaces)
app.add_typer(setup.namespace_app, name="namespaces", rich_help_panel="Notes")
app.add_typer(setup.config_app, name="config", rich_help_panel="Setting up")
app.add_typer(setup.token_app, name="token", rich_help_panel="Setting up")
app.add_typer(setup.model_app, name="model", rich_help_panel="Setting up")


WORDS: Mapping[type[ZettelError], str] = {
    NoteErasedError: (
        "Note {note_id!r} was erased at {erased_at}: nothing of it is left, and it cannot come"
        " back."
    ),
    NoteForgottenError: (
        "Note {note_id!r} was forgotten. zettel forget --undo {note_id} brings it back."
    ),
    NoteNotFoundError: (
        "No note with id {note_id!r}. zettel list and zettel search print the ids of notes."
    ),
    FirstPartError: (
        "{note_id} is the first of {notes} notes that one text is kept in, so a whole text cannot"
        " take its place. zettel list --session {session!r} lists them: zettel edit changes the one"
        " that is meant. Or zettel forget {note_id}, then zettel add the new text."
    ),
    OtherRevisionError: (
        "The note has changed since you opened it: it was at revision {expected}, it is at {rev}"
        " now, and was left as it is. zettel edit opens it as it is now."
    ),
    ChangedMeanwhileError: (
        "The note kept changing under this command and was left as it is. Try again."
    ),
    LessTrustedWordsError: (
        "Note {note_id} is yours; the words that would replace it {why} and count less, so nothing"
        " was changed. zettel edit {note_id} changes it."
    ),
    LessTrustedError: (
        "Note {note_id} is of somebody who is trusted more, so nothing was changed."
        " zettel config explain trusted_principals says who counts as the owner."
    ),
    QuotaExceededError: (
        "Namespace {namespace!r} holds {held:,} {unit}, this would add {more:,}, and {most:,} is"
        " the most; nothing was changed. zettel forget --erase makes room, and zettel config set"
        " quota_{unit} raises it."
    ),
}
"""What is said of an error whose own text tells an agent which tool to call. The first class that
fits counts; names are the error's fields."""

ARGUMENTS: Mapping[str, str] = {
    "note_ids": "ID",
    "note_id": "ID",
    "query": "the question",
    "content": "the text",
    "links.relation": "RELATION",
    "tags": "--tag",
    **{
        name: f"--{name.replace('_', '-')}"
        for name in (
            *("subject", "kind", "session", "since", "until", "as_of", "known_at", "limit"),
            *("state", "context", "happened_at", "valid_until", "source", "reason", "namespace"),
        )
    },
}
"""How a person spells an argument of the tools."""

REMEDIES: Mapping[str, str] = {
    "Pass ids as recall and remember return them.": "zettel list and zettel search print them.",
    "Split it where speakers change and remember one note per statement, all with the same"
    " session.": "Split it, and add each part with the same --session.",
    "Pass the words to remember, self-contained.": "Type what is to be remembered.",
    "Name one, or pass note_ids.": "Name one, or pass ids.",
    "Take it out, call again.": "Take it out, then try again.",
    "Pass note_ids, or filters (query, subject, tags, session, until) for a preview.": (
        "Name notes by id, or pass --query, --subject, --tag, --session or --until for a preview."
    ),
}
"""What an agent is advised, and a person in its place."""

_ARGUMENT = re.compile(r"([a-z_.]+): ")


def said(error: ZettelError) -> str:
    """The text of an error for a person at a terminal."""
    for kind, words in WORDS.items():
        if isinstance(error, kind):
            return words.format_map(vars(error))
    text = str(error)
    if isinstance(error, InvalidArgumentError):
        begun = _ARGUMENT.match(text)
        if begun and begun[1] in ARGUMENTS:
            text = f"{ARGUMENTS[begun[1]]}: {text[begun.end() :]}"
        for advice, instead in REMEDIES.items():
            text = text.replace(advice, instead)
    return text
