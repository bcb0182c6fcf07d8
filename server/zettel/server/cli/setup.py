"""Commands that set Zettel up: clients, access tokens, settings, namespaces, the model."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zettel.server.cli.command import (
    EXIT_FAILED,
    AsJson,
    Invocation,
    StoreOption,
    command,
    confirmed,
    examples,
    option,
    rendezvous,
    say,
    with_examples,
)
from zettel.server.commands.hooks import (
    EVENT_MAX_CHARACTERS,
    HookClient,
    answer_event,
    find_hook_client,
    hook_command,
    read_event,
)
from zettel.server.commands.output import Output
from zettel.server.engine.ipc.spawn import COMPLETION
from zettel.storage.errors import InvalidArgumentError, NotConfirmedError, ZettelError
from zettel.tools.printable import printable, printable_lines

if TYPE_CHECKING:
    from zettel.server.auth.tokens import Token
    from zettel.server.commands.clients import FileEdit


ClientArgument = Annotated[
    str,
    typer.Argument(
        metavar="CLIENT",
        help="claude-code, claude-desktop, codex, cursor, gemini-cli, vscode or windsurf.",
    ),
]

ShowOnly = Annotated[bool, typer.Option("--dry-run", help="Only show the change.")]

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@command("namespace", "log_level")
@examples("zettel install claude-code --hooks", "zettel install cursor --dry-run")
def install(
    call: Invocation,
    client: ClientArgument,
    *,
    hooks: Annotated[
        bool, typer.Option("--hooks", help="Have it run hooks, too: a brief at each start.")
    ] = False,
    dry_run: ShowOnly = False,
    yes: Yes = False,
) -> None:
    """Add Zettel to a client's configuration, for all projects; the change is shown first."""
    from zettel.server.commands import clients  # noqa: PLC0415

    found = clients.find_client(client)
    edits = [clients.plan_edit(found, clients.make_entry(found, call.settings))]
    if hooks:
        edits.append(clients.plan_hooks(client, found, clients.server_command(call.settings)))
    _edit_client(call, client, edits, dry_run, yes)
    if not (dry_run or call.as_json):
        tested = f", zettel hook {client} --test" if hooks else ""
        typer.echo(f"To try it: zettel doctor --client {client}{tested}", err=True)


@command("log_level")
@examples("zettel uninstall claude-code")
def uninstall(
    call: Invocation, client: ClientArgument, *, dry_run: ShowOnly = False, yes: Yes = False
) -> None:
    """Take Zettel out of a client's configuration, hooks too; the notes stay."""
    from zettel.server.commands import clients  # noqa: PLC0415

    found = clients.find_client(client)
    edits = [clients.plan_edit(found, None)]
    if found.hooks_file and (hooks := clients.plan_hooks(client, found, ())).diff:
        edits.append(hooks)
    _edit_client(call, client, edits, dry_run, yes)


def _edit_client(
    call: Invocation, name: str, edits: "Sequence[FileEdit]", dry_run: bool, yes: bool
) -> None:
    from zettel.server.commands.clients import edit_output, write_edit  # noqa: PLC0415

    changing = [edit for edit in edits if edit.diff]
    for edit in changing:
        typer.echo(printable_lines(edit.diff), err=True)
    if changing and not dry_run and not (yes or confirmed("", "yes", None)):
        raise NotConfirmedError("yes", option="--yes")
    for edit in edits:
        done = write_edit(edit) if edit.diff and not dry_run else edit
        call.say(edit_output(done, name=name, written=not dry_run))


token_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=with_examples(
        "Access tokens: who may come in over HTTP and SSE, and to which namespaces.",
        "zettel token create --name ana --namespace farm",
        "zettel token list",
    ),
)


@token_app.command()
@command()
@examples(
    "zettel token create --name ana --namespace farm",
    "zettel token create --name ci --namespace farm:ro \\\n      --expires 30d",
)
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
    expires: Annotated[str | None, option("30d, 12h, 8w, 90m, or a date.")] = None,
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
@examples("zettel token list")
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
@examples("zettel token revoke ana")
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
@examples("zettel config", "zettel config explain model", "zettel config set evolve_minutes 60")
async def list_settings(call: Invocation) -> None:
    """Show every setting: its value, and whether a flag, a variable or config.toml says so."""
    from zettel.server.commands import config  # noqa: PLC0415

    for output in config.settings_output(config.setting_lines(call.settings, call.flags)):
        call.say(output)


@config_app.command()
@command("log_level")
@examples("zettel config explain retain_days")
async def explain(call: Invocation, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Say what a setting means and takes, and what it is."""
    from zettel.server.commands import config  # noqa: PLC0415

    call.say(config.explain(call.settings, name))


# A number below 0 is a value that is refused as such, not an option.
@config_app.command("set", context_settings={"ignore_unknown_options": True})
@command("log_level")
@examples("zettel config set evolve_minutes 60")
async def set_setting(
    call: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
) -> None:
    """Write a setting into the store's config.toml."""
    from zettel.server.commands import config  # noqa: PLC0415
    from zettel.server.config.preflight.checks import load_usable  # noqa: PLC0415

    call.say(config.set_setting(load_usable(call.flags)[0], name, value))


@config_app.command("unset")
@command("log_level")
@examples("zettel config unset quota_notes")
async def unset_setting(
    call: Invocation, name: Annotated[str, typer.Argument(metavar="NAME")]
) -> None:
    """Take a setting out of the store's config.toml: its default holds again."""
    from zettel.server.commands import config  # noqa: PLC0415
    from zettel.server.config.preflight.checks import load_usable  # noqa: PLC0415

    call.say(config.unset_setting(load_usable(call.flags)[0], name))


namespace_app = typer.Typer(rich_markup_mode=None)


@command("log_level")
@examples("zettel namespaces", "zettel namespaces merge old-name new-name")
async def list_namespaces(call: Invocation) -> None:
    """List the namespaces: name, notes, other names that lead to it."""
    from zettel.server.commands import namespaces  # noqa: PLC0415

    for output in namespaces.namespaces_output(await namespaces.namespaces(call.settings)):
        call.say(output)


@namespace_app.command()
@command("log_level")
@examples("zettel namespaces merge old-name new-name")
async def merge(
    call: Invocation,
    source: Annotated[str, typer.Argument(metavar="FROM")],
    into: Annotated[str, typer.Argument(metavar="INTO")],
    *,
    confirm: Annotated[str | None, option("The word to type, for scripts.")] = None,
) -> None:
    """Move all notes of FROM to INTO, after a preview; FROM becomes another name of INTO."""
    from zettel.server.commands import namespaces  # noqa: PLC0415

    merged = await namespaces.merge_once(
        call.settings,
        source,
        into,
        lambda preview, word: confirmed(preview, word, confirm),
        call.say_waiting,
    )
    call.say(namespaces.merge_output(merged))


def _where(token: "Token") -> str:
    return "/metrics" if token.metrics else ", ".join(token.namespaces)


def _until(moment: datetime | None) -> str:
    return f"until {moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "without end"


model_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=with_examples("The embedding model on this machine.", "zettel model export"),
)


@model_app.command("export")
@command("model", "log_level")
@examples("zettel model export")
async def export_model(call: Invocation) -> None:
    """Export the embedding model to ONNX, which servers run faster and in less memory."""
    from zettel.server.commands.model import export_once, export_output  # noqa: PLC0415

    typer.echo("exporting, up to a minute", err=True)
    call.say(export_output(await export_once(call.settings)))


@examples("zettel trust")
def trust(context: typer.Context, *, as_json: AsJson = False, store: StoreOption = None) -> None:
    """Confirm the store's config.toml as it is now, so that all of its settings count."""
    from zettel.server.config.settings import config_file  # noqa: PLC0415
    from zettel.server.config.trust import confirm as confirm_file  # noqa: PLC0415

    file = config_file(rendezvous(context, store).store)
    try:
        names = confirm_file(file)
    except FileNotFoundError:
        problem = "it is not there, so there is nothing to confirm"
        remedy = "zettel config set NAME VALUE writes it."
        raise InvalidArgumentError(str(file), problem, remedy) from None
    except (OSError, ValueError) as error:
        problem, remedy = f"it cannot be confirmed ({error})", "Make it, or mend it."
        raise InvalidArgumentError(str(file), problem, remedy) from None
    what = f"These settings count now: {', '.join(names)}." if names else "Its settings did before."
    text = f"Confirmed {file}. {what} What runs for the store takes them after zettel stop."
    say(Output({"confirmed": str(file), "settings": names}, text), as_json)


@examples(
    'eval "$(zettel completion bash)"   # in ~/.bashrc',
    'eval "$(zettel completion zsh)"    # in ~/.zshrc',
    "zettel completion fish | source    # in config.fish",
)
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="Whose completion.")],
) -> None:
    """Print the script that completes commands and options in a shell."""
    # As a shell asks for it, which is typer's public way.
    command_line = [sys.executable, "-P", "-m", "zettel"]
    asking = {**os.environ, COMPLETION: f"source_{shell}"}
    done = subprocess.run(command_line, env=asking, check=True, capture_output=True, text=True)
    typer.echo(done.stdout, nl=False)


@command("namespace", "log_level")
@examples("zettel hook claude-code --test")
def hook(
    call: Invocation,
    client: Annotated[
        str, typer.Argument(metavar="CLIENT", help="claude-code, codex, cursor or gemini-cli.")
    ],
    *,
    test: Annotated[
        bool, typer.Option("--test", help="Play a session, and look for what it stored.")
    ] = False,
) -> int:
    """Answer one event of a client's hooks, told on standard input; the client calls this."""
    found = find_hook_client(client)
    if test:
        return _test_hooks(call, client, found)
    try:
        event = read_event(sys.stdin.read(EVENT_MAX_CHARACTERS))
        if os.path.isdir(event.cwd):
            os.chdir(event.cwd)  # so that the namespace is the project's
        with call.memory(creates=True) as memory:
            answer = answer_event(found, event, memory)
    except (ValueError, RecursionError, OSError, ZettelError) as error:
        # Not with 2, by which a client would hold its session up.
        typer.echo(f"zettel hook: {printable(str(error))}", err=True)
        return EXIT_FAILED
    if answer:
        typer.echo(json.dumps(answer))
    return 0


def _test_hooks(call: Invocation, name: str, client: HookClient) -> int:
    from zettel.server.commands.clients import command_path, find_client, read_hook  # noqa: PLC0415
    from zettel.server.commands.hook_check import check_hooks, store_of  # noqa: PLC0415

    line = read_hook(name, find_client(name))
    if store := store_of(line):
        call = replace(call, flags={**call.flags, "store": store})
    with call.memory(creates=True) as memory:
        check = check_hooks(name, client, line or hook_command([command_path()], name), memory)
    call.say(replace(check, installed=bool(line)).output())
    return EXIT_FAILED if check.problem else 0
