"""What every command shares: its options, its settings, how it ends."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from zettel.server.config.settings import Settings, load_settings
from zettel.server.observability.logs import configure_logging

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 3
EXIT_REFUSED = 4

Store = Annotated[
    str | None, typer.Option(help="Directory or URI of the store.", show_default=False)
]
Namespace = Annotated[
    str | None, typer.Option(help="Default: this project's, else user.", show_default=False)
]
Model = Annotated[
    str | None, typer.Option(help="Embedding model, by name or path.", show_default=False)
]
Session = Annotated[
    str | None, typer.Option(help="Session of notes told without one.", show_default=False)
]
LogLevel = Annotated[
    str | None, typer.Option(help="debug, info, warning or error.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def read_settings(context: typer.Context, **flags: str | int | None) -> Settings:
    """The settings; a command's own options win over those before its name."""
    before: dict[str, str | int | None] = context.obj
    given = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(**(before | given))
    configure_logging(settings.log_level, settings.log_format)
    return settings


def leave(code: int = 0) -> NoReturn:
    """Leave without waiting for threads amid an import or a model's loading."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
