"""The shape all commands share: options, settings, one way to print, the exit code."""

import os
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from inspect import Parameter, iscoroutinefunction, signature
from typing import TYPE_CHECKING, Annotated, Concatenate, NoReturn, ParamSpec, TypeVar, cast

import typer
from typer.core import TyperGroup

from zettel.server.cli.terminal import is_terminal, show, waiting
from zettel.server.commands.calls import MemoryCall, calling
from zettel.server.commands.output import Line, Output, printable, progress
from zettel.server.engine.ipc.handshake import Json
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.store_path import chosen_store
from zettel.storage.errors import NotConfirmedError
from zettel.storage.progress import ReportProgress
from zettel.tools.printable import printable_lines

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter  # what typer's own classes name

    from zettel.server.config.settings import Settings

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 3
EXIT_REFUSED = 4
EXIT_INTERRUPTED = 130
"""As a shell counts an end by SIGINT (128 + 2)."""


def option(help_text: str, *names: str, metavar: str | None = None) -> typer.models.OptionInfo:
    """An option of which the help shows no default."""
    return typer.Option(*names, help=help_text, metavar=metavar, show_default=False)


StoreOption = Annotated[str | None, option("Directory or URI of the store.")]
NamespaceOption = Annotated[str | None, option("Default: this project's, else user.")]
ModelOption = Annotated[str | None, option("Embedding model, by name or path.")]
LogLevelOption = Annotated[str | None, option("debug, info, warning or error.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]

SHARED_OPTIONS = {"namespace": NamespaceOption, "model": ModelOption, "log_level": LogLevelOption}

_P = ParamSpec("_P")


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One call of a command."""

    flags: Mapping[str, str]
    """Settings of the command line."""
    as_json: bool
    in_process: bool = False
    """Whether this process opens the store, and asks no engine."""
    default_log_level: str = "warning"
    _lines: list[Line] = field(default_factory=list[Line])
    """Said, and not printed yet."""

    @cached_property
    def settings(self) -> "Settings":
        """The settings, read when they are first needed.

        Raises:
            MisconfiguredError: One cannot be used.
        """
        return read_settings(self.flags, log_level=self.default_log_level)

    @contextmanager
    def memory(self, *, creates: bool = False) -> Generator[MemoryCall]:
        """Make calls to the memory while the body runs."""
        with ExitStack() as open_for_calls:
            with waiting("opening the memory"):
                call = open_for_calls.enter_context(
                    calling(
                        self.flags,
                        lambda: self.settings,
                        in_process=self.in_process,
                        creates=creates,
                        tell=_tell,
                    )
                )

            def patiently(name: str, /, **arguments: Json) -> Mapping[str, object]:
                with waiting("asking the memory"):
                    return call(name, **arguments)

            yield patiently

    def say(self, output: Output) -> None:
        """Print a result; on a terminal at the end of the command, with all others."""
        if self.as_json or not is_terminal():
            say(output, self.as_json)
        else:
            self._lines.extend(output.lines())

    def say_now(self, lines: Sequence[Line]) -> None:
        """Print lines before the person is asked something; with `--json` nothing."""
        if not self.as_json:
            self.flush()
            show(lines, paged=False)

    def tell(self, notice: str) -> None:
        """Print what is no result on standard error."""
        _tell(notice)

    def ask(self, question: str) -> str:
        """What the person types; empty at the end of standard input."""
        typer.echo(question, err=True, nl=False)
        return sys.stdin.readline().strip()

    def flush(self) -> None:
        """Print what was said."""
        lines = list(self._lines)
        self._lines.clear()
        show(lines)

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
) -> Callable[
    [Callable[Concatenate[Invocation, _P], Awaitable[int | None] | int | None]], Callable[..., None]
]:
    """Make a typer command of a function that takes an `Invocation` first.

    The command calls it, or runs the coroutine, and leaves with its exit code, None being 0.

    `options` are of `SHARED_OPTIONS`, beside `--json` and `--store`, which every command has;
    `log_level` is used where no setting says one.
    """
    shared = {"as_json": AsJson, "store": StoreOption} | {
        name: SHARED_OPTIONS[name] for name in options
    }

    def decorate(
        work: Callable[Concatenate[Invocation, _P], Awaitable[int | None] | int | None],
    ) -> Callable[..., None]:
        def run(ctx: typer.Context, as_json: bool, store: str | None, **given: object) -> None:
            if ctx.invoked_subcommand is not None:
                return
            before: Mapping[str, str] = ctx.obj
            flags = {"store": store} | {name: given.pop(name) for name in options}
            call = Invocation(
                flags={**before, **{n: str(v) for n, v in flags.items() if v is not None}},
                as_json=as_json,
                in_process=bool(ctx.find_root().params.get("in_process")),
                default_log_level=log_level,
            )
            try:
                code = _run(partial(work, call, **given))  # pyright: ignore[reportCallIssue]: typer checks them
            finally:
                call.flush()
            leave(code or 0)

        own = [*signature(work).parameters.values()][1:]
        only = Parameter.KEYWORD_ONLY
        parameters = [
            Parameter("ctx", only, annotation=typer.Context),
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


def _run(work: Callable[[], Awaitable[int | None] | int | None]) -> int | None:
    if not iscoroutinefunction(cast("partial[object]", work).func):
        return cast("int | None", work())
    import anyio  # noqa: PLC0415  slow, and a command that asks the engine needs none

    return anyio.run(cast("Callable[[], Awaitable[int | None]]", work))


def _tell(notice: str) -> None:
    typer.echo(f"zettel: {printable(notice)}", err=True)


def read_settings(flags: Mapping[str, Json], *, log_level: str = "") -> "Settings":
    """Read the settings, and have logs written as they say.

    `log_level` is used where no setting says one.

    Raises:
        MisconfiguredError: One cannot be used.
    """
    # A third of a second, which a command that asks the engine does without.
    import logging  # noqa: PLC0415

    from zettel.server.config.settings import load_settings, unconfirmed  # noqa: PLC0415
    from zettel.server.observability.logs import configure_logging  # noqa: PLC0415

    settings = load_settings(**flags)
    given = not log_level or "log_level" in settings.model_fields_set
    configure_logging(settings.log_level if given else log_level, settings.log_format)
    for warning in unconfirmed(settings):
        logging.getLogger(__name__).warning("%s", warning)
    return settings


def say(output: Output, as_json: bool) -> None:
    """Print a result on standard output."""
    if as_json:
        if text := output.render(as_json=True):
            typer.echo(text)
    else:
        show(output.lines())


class ThemedGroup(TyperGroup):
    """Lists its commands by theme in its help, as git does."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the commands under the headings of `rich_help_panel`."""
        themes = dict[str, list[tuple[str, str]]]()
        for name in self.list_commands(ctx):
            found = self.get_command(ctx, name)
            if found is None or found.hidden:
                continue
            theme = getattr(found, "rich_help_panel", None) or "Commands"
            first = (found.help or "").strip().partition("\n")[0]
            themes.setdefault(theme, []).append((name, found.short_help or first))
        for theme, rows in themes.items():
            with formatter.section(theme):
                formatter.write_dl(rows)


_F = TypeVar("_F", bound=Callable[..., object])


def examples(*lines: str) -> Callable[[_F], _F]:
    """Add examples to the help of a command or a group.

    A line has at most 56 characters: it is not wrapped.
    """

    def decorate(function: _F) -> _F:
        function.__doc__ = with_examples(function.__doc__ or "", *lines)
        return function

    return decorate


def with_examples(text: str, *lines: str) -> str:
    """A help text with examples below; the control character keeps their lines (click's)."""
    shown = "".join(f"\n  {each}" for each in lines)
    return f"{text.strip()}\n\n\b\nExamples:{shown}\n"


def is_terminal_input() -> bool:
    """Whether a person types what is read from standard input."""
    return sys.stdin.isatty()


def confirmed(preview: str, word: str, given: str | None) -> bool:
    """Whether the person typed the word after the preview, or gave it as an option."""
    typer.echo(printable_lines(preview), err=True)
    if given is not None:
        return given == word
    return _typed(word)


def ask_for_word(word: str) -> None:
    """Have the person type a word, in place of which a script passes `--yes`.

    Raises:
        NotConfirmedError: Something else was typed.
    """
    if not _typed(word):
        raise NotConfirmedError(word, option="--yes")


def _typed(word: str) -> bool:
    typer.echo(f"Type {word!r} to go on: ", err=True, nl=False)
    return sys.stdin.readline().strip() == word


def rendezvous(context: typer.Context, store: str | None) -> Rendezvous:
    """Where the engine of the store is met, which depends on no other setting."""
    flags: dict[str, str] = context.obj
    return Rendezvous(chosen_store({"store": store} if store else flags, os.environ))


def leave(code: int = 0) -> NoReturn:
    """Exit without waiting for threads that are importing or loading a model."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
