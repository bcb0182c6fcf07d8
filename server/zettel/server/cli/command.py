"""The shape all commands share: options, settings, one way to print, the exit code."""

import logging
import os
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
from typing import Annotated, Concatenate, NoReturn, ParamSpec

import anyio
import typer

from zettel.server.commands.output import Output, progress
from zettel.server.config.settings import Settings, load_settings, unconfirmed
from zettel.server.observability.logs import configure_logging
from zettel.storage.progress import ReportProgress

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 3
EXIT_REFUSED = 4

StoreOption = Annotated[
    str | None, typer.Option(help="Directory or URI of the store.", show_default=False)
]
NamespaceOption = Annotated[
    str | None, typer.Option(help="Default: this project's, else user.", show_default=False)
]
ModelOption = Annotated[
    str | None, typer.Option(help="Embedding model, by name or path.", show_default=False)
]
LogLevelOption = Annotated[
    str | None, typer.Option(help="debug, info, warning or error.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]

SHARED_OPTIONS = {"namespace": NamespaceOption, "model": ModelOption, "log_level": LogLevelOption}

_P = ParamSpec("_P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of a command."""

    settings: Settings
    as_json: bool

    def say(self, output: Output) -> None:
        """Print a result."""
        say(output, self.as_json)

    def say_waiting(self) -> None:
        """Report on standard error that another process evolves the notes."""
        typer.echo("waiting for the run in progress", err=True)

    @contextmanager
    def progress(self) -> Generator[ReportProgress]:
        """Show progress on standard error while the body runs."""
        from rich.console import Console  # noqa: PLC0415  heavy, and few commands need it

        with progress(Console(stderr=True)) as report:
            yield report


def command(
    *options: str, log_level: str = "warning"
) -> Callable[[Callable[Concatenate[Invocation, _P], Awaitable[int | None]]], Callable[..., None]]:
    """Make a typer command of a coroutine function that takes an `Invocation` first.

    The command reads the settings, runs the coroutine and leaves with its exit code, None being 0.

    Args:
        options: Of `SHARED_OPTIONS`, beside `--json` and `--store`, which every command has.
        log_level: Used unless `--log-level` is given.
    """
    shared = {"as_json": AsJson, "store": StoreOption} | {
        name: SHARED_OPTIONS[name] for name in options
    }

    def decorate(
        work: Callable[Concatenate[Invocation, _P], Awaitable[int | None]],
    ) -> Callable[..., None]:
        def run(context: typer.Context, as_json: bool, store: str | None, **given: object) -> None:
            if context.invoked_subcommand is not None:
                return
            flags = {"store": store} | {name: given.pop(name) for name in options}
            flags["log_level"] = flags.get("log_level") or log_level
            call = Invocation(settings=read_settings(context, **flags), as_json=as_json)
            leave(anyio.run(partial(work, call, **given)) or 0)  # pyright: ignore[reportCallIssue]: typer checks them

        own = [*signature(work).parameters.values()][1:]
        only = Parameter.KEYWORD_ONLY
        parameters = [
            Parameter("context", only, annotation=typer.Context),
            *(parameter.replace(kind=only) for parameter in own),
            *(
                Parameter(name, only, annotation=kind, default=False if kind is AsJson else None)
                for name, kind in shared.items()
            ),
        ]
        run.__name__, run.__doc__ = work.__name__, work.__doc__
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        run.__signature__ = signature(run).replace(parameters=parameters)  # pyright: ignore[reportFunctionMemberAccess]: what typer reads
        return run

    return decorate


def read_settings(context: typer.Context, **flags: object) -> Settings:
    """Read the settings; a command's own options win over those before its name."""
    before: dict[str, str | int | None] = context.obj
    given = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(**(before | given))
    configure_logging(settings.log_level, settings.log_format)
    for warning in unconfirmed(settings):
        logging.getLogger(__name__).warning("%s", warning)
    return settings


def say(output: Output, as_json: bool) -> None:
    """Print a result on standard output."""
    if line := output.render(as_json=as_json):
        typer.echo(line)


def leave(code: int = 0) -> NoReturn:
    """Exit without waiting for threads that are importing or loading a model."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
