"""How `zettel serve` comes by its settings: examined first, and with `--check` only examined."""

import logging

import anyio
import typer

from zettel.server.cli_options import leave
from zettel.server.logs import configure_logging
from zettel.server.preflight import examine_flags, model_warnings
from zettel.server.settings import Settings
from zettel.server.snippets import would_serve

logger = logging.getLogger(__name__)


def examined_settings(context: typer.Context, check: bool, **flags: object) -> Settings:
    """The settings to serve with; warnings go to standard error.

    Args:
        context: Of the command; holds the options before its name.
        check: Whether to say what would be served, and leave.
        flags: What the command line said; None where it said nothing.

    Raises:
        MisconfiguredError: It cannot be served like that; all reasons are named.
    """
    before: dict[str, str] = context.obj
    given = {name: value for name, value in flags.items() if value is not None}
    settings, examined = anyio.run(examine_flags, {**before, **given})
    configure_logging(settings.log_level, settings.log_format)
    of_the_model = anyio.run(model_warnings, settings) if check else []
    for warning in (*examined.warnings, *of_the_model):
        if settings.log_format == "json" and not check:
            # Whoever reads these lines reads no others.
            logger.warning("%s", warning)
        else:
            typer.echo(f"zettel: warning: {warning}", err=True)
    if check:
        typer.echo(would_serve(settings))
        leave()
    return settings
