"""What is looked at before the server takes its port and its store: the whole configuration.

What cannot work is refused, all of it at once; what will work otherwise than it seems is said.
A store that cannot be opened is only said: the server tells so on `/health`, and tries again.
"""

import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from zettel.server.config.errors import (
    MisconfiguredError,
    read_stored,
    settings_named,
    unknown_variables,
)
from zettel.server.config.preflight.contradictions import contradictions, host_refusals
from zettel.server.config.preflight.oauth import oauth_refusals
from zettel.server.config.settings import Settings, config_file, load_settings
from zettel.server.engine.ipc.store_path import is_directory, one_spelling
from zettel.server.runtime.clock import utc_now
from zettel.storage.errors import InvalidArgumentError, ModelUnavailableError, ZettelError
from zettel.tools.state.retention_policy import check_rules

LEAST_FREE = 256 << 20
"""Bytes; as in `doctor_place`: below it even small stores cannot be compacted."""
SECRET = "llm_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReport:
    """What is to be said of a configuration."""

    refusals: tuple[ZettelError, ...] = ()
    """What is in the way."""
    warnings: tuple[str, ...] = ()


async def examine_flags(flags: Mapping[str, object]) -> tuple[Settings, PreflightReport]:
    """Read all settings and examine them, for `zettel serve`.

    Args:
        flags: What the command line said; None where it said nothing.

    Raises:
        MisconfiguredError: It cannot be served like that; all reasons are named.
    """
    try:
        settings, unusable = load_settings(**flags), list[ZettelError]()
    except MisconfiguredError as error:
        unusable = list(error.problems)
        settings = _without(flags, settings_named(unusable))
        if settings is None:
            raise
    examined = await examine_serving(settings)
    said = settings_named(unusable)
    refusals = [
        *unusable,
        *(each for each in examined.refusals if not settings_named([each]) & said),
    ]
    if refusals:
        raise MisconfiguredError(refusals)
    return settings, examined


def _without(flags: Mapping[str, object], unusable: set[str]) -> Settings | None:
    """The settings, with something harmless for those that cannot be used; None if even so not."""
    stand_ins = {
        name: field.get_default(call_default_factory=True) or "1"
        for name, field in Settings.model_fields.items()
        if name in unusable
    }
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings.model_validate({**given, **stand_ins})
    except ValidationError:
        return None


async def examine_serving(settings: Settings) -> PreflightReport:
    """Examine settings that were read, with all that concerns a port."""
    from zettel.server.config.preflight.exposure import exposure_refusals, exposure_warnings  # noqa: PLC0415
    from zettel.server.config.preflight.tls import tls_refusals, tls_warnings  # noqa: PLC0415  not for engines

    now = utc_now()
    of_tls, of_all = tls_refusals(settings, now), examine(settings)
    refusals = [*of_all.refusals, *host_refusals(settings), *of_tls, *oauth_refusals(settings)]
    try:
        refusals += await exposure_refusals(settings)
    except ZettelError as error:
        # Whether there are tokens cannot be seen in such a store.
        refusals.append(error)
    return PreflightReport(
        refusals=tuple(refusals),
        warnings=(
            *unknown_variables(os.environ, Settings.model_fields),
            *of_all.warnings,
            *exposure_warnings(settings),
            *(() if of_tls else tls_warnings(settings, now)),
            *_of_the_llm(settings),
        ),
    )


async def model_warnings(settings: Settings) -> list[str]:
    """Whether the embedding model cannot be found; a server that runs says so by itself."""
    from zettel.server.runtime.factories import HASH_MODEL  # noqa: PLC0415  only where it is asked
    from zettel.storage.embedding.model_files import find_model  # noqa: PLC0415

    if settings.model == HASH_MODEL:
        return []
    try:
        await find_model(settings.model)
    except ModelUnavailableError as error:
        return [str(error)]
    return []


def _of_the_llm(settings: Settings) -> list[str]:
    from zettel.server.runtime.llm import build_llm  # noqa: PLC0415  not for engines, which log it

    try:
        build_llm(settings)
    except ZettelError as error:
        return [f"The LLM will not be asked. {error}"]
    return []


def examine(settings: Settings) -> PreflightReport:
    """Examine what every engine of a store needs to be right."""
    refusals = list[ZettelError]()
    try:
        check_rules(settings.retain_days)
    except InvalidArgumentError as error:
        refusals.append(error)
    warnings = [*contradictions(settings), *_of_the_store(settings)]
    warnings += _unwritable(Path(one_spelling(settings.erasures)), "The record of erasures'")
    return PreflightReport(refusals=tuple(refusals), warnings=tuple(warnings))


def _of_the_store(settings: Settings) -> list[str]:
    if not is_directory(settings.store):
        return []
    store = Path(one_spelling(settings.store))
    warnings = _unwritable(store, "The store's")
    there = _nearest_there(store)
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE:
        warnings.append(
            f"{free:,} bytes are free where the store is, {there}: below {LEAST_FREE:,} it may not"
            " be compacted, and at none nothing can be remembered. Make room."
        )
    return warnings + _open_secret(store)


def _unwritable(directory: Path, whose: str) -> list[str]:
    there = _nearest_there(directory)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return []
    problem = "cannot be written by this user" if there.is_dir() else "is a file"
    made = "" if there == directory else f", where {directory} would have to be made,"
    return [f"{whose} directory {there}{made} {problem}."]


def _nearest_there(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if os.path.lexists(place))


def _open_secret(store: Path) -> list[str]:
    """A key that others can read: the file and the way to it are open to them."""
    file = config_file(str(store))
    try:
        modes = stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(store.stat().st_mode)
    except OSError:
        return []
    # The same class of others, the group or everybody, must enter the directory and read the file.
    reads = any(modes[0] & read and modes[1] & enter for read, enter in ((0o40, 0o10), (4, 1)))
    if not reads or SECRET not in read_stored(file):
        return []
    return [f"Other users of this machine can read {SECRET} in {file}. chmod 600 {file}"]
