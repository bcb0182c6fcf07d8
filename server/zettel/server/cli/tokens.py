"""`zettel token`: the access tokens of HTTP and SSE."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from zettel.server.cli.command import Invocation, command
from zettel.server.commands.output import Output

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
    from zettel.server.commands.diffs import printable  # noqa: PLC0415

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


def _where(token: "Token") -> str:
    return "/metrics" if token.metrics else ", ".join(token.namespaces)


def _until(moment: datetime | None) -> str:
    return f"until {moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "without end"
