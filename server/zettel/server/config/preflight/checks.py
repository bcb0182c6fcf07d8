"""Checks of the whole configuration before the server binds its port and opens its store.

All errors are reported at once; surprising settings get a warning. A store that cannot be opened is
an error of `--check` only, since the server reports that on `/health` and tries again.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import regex
from anyio import to_thread
from pydantic import ValidationError

from zettel.server.config.addresses import without_password
from zettel.server.config.errors import (
    MisconfiguredError,
    read_stored,
    settings_named,
    unknown_variables,
)
from zettel.server.config.permissions import permission_warnings
from zettel.server.config.settings import Settings, config_file, load_settings, unconfirmed
from zettel.server.engine.ipc.store_path import is_directory, one_spelling
from zettel.server.runtime.clock import utc_now
from zettel.storage.errors import (
    ExtraMissingError,
    InvalidArgumentError,
    ModelUnavailableError,
    ZettelError,
)
from zettel.tools.state.retention_policy import check_rules

DISK_MIN_FREE_BYTES = 256 << 20
"""Compaction writes the largest table a second time; below this even small stores fail to."""
SECRET = "llm_key"

_WITH_PORT = regex.compile(r"https?://.*|[^:]+:\d+|\[.*\](:\d+)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReport:
    """The result of the checks."""

    refusals: tuple[ZettelError, ...] = ()
    warnings: tuple[str, ...] = ()


async def examine_flags(flags: Mapping[str, object]) -> tuple[Settings, PreflightReport]:
    """Read all settings and examine them, for `zettel serve`; a flag of None is absent.

    Raises:
        MisconfiguredError: These settings cannot be served; names every problem.
    """
    settings, unusable = load_usable(flags)
    examined = await examine_serving(settings)
    said = settings_named(unusable)
    refusals = [
        *unusable,
        *(each for each in examined.refusals if not settings_named([each]) & said),
    ]
    if refusals:
        raise MisconfiguredError(refusals)
    return settings, examined


def load_usable(flags: Mapping[str, object]) -> tuple[Settings, Sequence[ZettelError]]:
    """Read all settings, with defaults for those that cannot be used, and what is wrong with them.

    Raises:
        MisconfiguredError: No default can stand in.
    """
    try:
        return load_settings(**flags), ()
    except MisconfiguredError as error:
        settings = _without(flags, settings_named(error.problems))
        if settings is None:
            raise
        return settings, error.problems


def _without(flags: Mapping[str, object], unusable: set[str]) -> Settings | None:
    """The settings with defaults for the unusable ones; None if that is not possible."""
    stand_ins = {
        name: field.get_default(call_default_factory=True) or "1"
        for name, field in Settings.model_fields.items()
        if name in unusable
    }
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings.model_validate({**given, **stand_ins})
    except (ValidationError, OSError):
        return None


async def examine_serving(settings: Settings) -> PreflightReport:
    """Examine settings that were read, for serving on a port."""
    from zettel.server.config.preflight.serving import (  # noqa: PLC0415  not for engines
        exposure_refusals,
        exposure_warnings,
        oauth_refusals,
        tls_refusals,
        tls_warnings,
    )

    now = utc_now()
    of_tls, of_all = tls_refusals(settings, now), examine(settings)
    refusals = [*of_all.refusals, *host_refusals(settings), *of_tls, *oauth_refusals(settings)]
    try:
        refusals += await exposure_refusals(settings)
    except ZettelError as error:
        # The tokens of such a store cannot be read.
        refusals.append(error)
    return PreflightReport(
        refusals=tuple(refusals),
        warnings=(
            *unknown_variables(os.environ, Settings.model_fields),
            *of_all.warnings,
            *exposure_warnings(settings),
            *(() if of_tls else tls_warnings(settings, now)),
            *_llm_warnings(settings),
        ),
    )


async def library_warnings(settings: Settings) -> list[str]:
    """Warnings of models and libraries that are missing; a running server logs the same."""
    from zettel.server.runtime.factories import HASH_MODEL  # noqa: PLC0415  rarely needed
    from zettel.storage.embedding.backends import check_runnable  # noqa: PLC0415
    from zettel.storage.embedding.model_files import find_model  # noqa: PLC0415
    from zettel.tools.evolve.consolidate.library import check_clustering  # noqa: PLC0415

    warnings = list[str]()
    try:
        if settings.model != HASH_MODEL:
            files = await find_model(settings.model)
            check_runnable(files, settings.embed_backend, settings.embed_device)
    except ModelUnavailableError as error:
        warnings.append(str(error))
    try:
        if settings.reranker:
            from zettel.storage.embedding.cross_encoder import (  # noqa: PLC0415  as above
                find_reranker,
            )

            await to_thread.run_sync(find_reranker, settings.reranker)
    except ModelUnavailableError as error:
        warnings.append(str(error))
    try:
        if settings.consolidate:
            check_clustering()
    except ExtraMissingError as error:
        warnings.append(f"Notes will not be consolidated. {error}")
    return warnings


def _llm_warnings(settings: Settings) -> list[str]:
    from zettel.server.runtime.llm import build_llm  # noqa: PLC0415  not for engines, which log it

    try:
        build_llm(settings)
    except ZettelError as error:
        return [f"The LLM will not be asked. {error}"]
    return []


def examine(settings: Settings) -> PreflightReport:
    """Examine what every engine of a store needs."""
    refusals = list[ZettelError]()
    try:
        check_rules(settings.retain_days)
    except InvalidArgumentError as error:
        refusals.append(error)
    warnings = [*unconfirmed(settings), *contradictions(settings), *unwritable(settings)]
    warnings += _store_warnings(settings)
    return PreflightReport(refusals=tuple(refusals), warnings=tuple(warnings))


def _store_warnings(settings: Settings) -> list[str]:
    if not is_directory(settings.store):
        return []
    store, warnings = Path(one_spelling(settings.store)), list[str]()
    there = _nearest_existing(store)
    free = shutil.disk_usage(there).free
    if free < DISK_MIN_FREE_BYTES:
        warnings.append(
            f"{free:,} bytes are free where the store is, {there}: below {DISK_MIN_FREE_BYTES:,} it"
            " may not be compacted, and at none nothing can be remembered. Make room."
        )
    return [*warnings, *permission_warnings(settings.store), *_open_secret(store)]


def unwritable(settings: Settings) -> list[str]:
    """Warnings about directories that this user cannot write: the store's, and that of erasures."""
    of_erasures = _unwritable(Path(one_spelling(settings.erasures)), "The record of erasures'")
    if not is_directory(settings.store):
        return of_erasures
    return [*_unwritable(Path(one_spelling(settings.store)), "The store's"), *of_erasures]


def _unwritable(directory: Path, whose: str) -> list[str]:
    there = _nearest_existing(directory)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return []
    problem = "cannot be written by this user" if there.is_dir() else "is a file"
    made = "" if there == directory else f", where {directory} would have to be made,"
    return [f"{whose} directory {there}{made} {problem}."]


def _nearest_existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if os.path.lexists(place))


def _open_secret(store: Path) -> list[str]:
    """A warning about a stored key that other users can read."""
    file = config_file(str(store))
    try:
        modes = stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(store.stat().st_mode)
    except OSError:
        return []
    # The same class, group or others, must enter the directory and read the file.
    reads = any(modes[0] & read and modes[1] & enter for read, enter in ((0o40, 0o10), (4, 1)))
    if not reads or SECRET not in read_stored(file):
        return []
    return [f"Other users of this machine can read {SECRET} in {file}. chmod 600 {file}"]


def host_refusals(settings: Settings) -> list[InvalidArgumentError]:
    """Errors of a host that names more than a host."""
    if not _WITH_PORT.fullmatch(settings.host):
        return []
    problem = f"{settings.host!r} is more than a host"
    remedy = "Pass an address alone, such as 127.0.0.1, 0.0.0.0 or ::1, and the port with --port."
    return [InvalidArgumentError("host", problem, remedy)]


def contradictions(settings: Settings) -> list[str]:
    """Warnings about settings that contradict each other."""
    return [
        *_name_contradictions(settings),
        *_llm_contradictions(settings),
        *_path_contradictions(settings),
    ]


def _name_contradictions(settings: Settings) -> Iterator[str]:
    for host in settings.allowed_hosts:
        name, _, port = host.rpartition(":")
        if name and port.isdigit() and int(port) != settings.port:
            yield (
                f"The allowed host {host!r} lets in only who names port {port}, and the server is"
                f" on {settings.port}. Leave the port out: then any is right."
            )
    for origin in settings.allowed_origins:
        parts = urlsplit(origin)
        own = f"{parts.scheme}://{parts.hostname}:{settings.port}"
        if _is_of_page(settings, parts) and own not in settings.allowed_origins:
            yield (
                f"The allowed origin {origin!r} is not that of this server's own page: there"
                f" browsers send {own}. Allow that, too, unless a proxy has the port."
            )
        if origin.endswith(f":{_DEFAULT_PORTS[parts.scheme]}"):
            yield (
                f"The allowed origin {origin!r} lets no page in: browsers leave the default port"
                " out. Leave it out here, too."
            )


def _is_of_page(settings: Settings, origin: SplitResult) -> bool:
    """Whether an origin is of a name of this server, with TLS here, and of another port."""
    names = {host.rpartition(":")[0] or host for host in settings.allowed_hosts}
    served = origin.scheme == "https" and bool(settings.tls_cert) and origin.hostname in names
    return served and (origin.port or _DEFAULT_PORTS["https"]) != settings.port


def _llm_contradictions(settings: Settings) -> Iterator[str]:
    given = settings.model_fields_set
    idle = sorted(name for name in given if name.startswith("llm_") and name != "llm_off")
    if idle and not settings.llm_model:
        yield f"{', '.join(idle)}: nothing asks an LLM while llm_model is not set."
    if settings.llm_tokens_run > settings.llm_tokens_day:
        yield (
            f"llm_tokens_run ({settings.llm_tokens_run}) is more than llm_tokens_day"
            f" ({settings.llm_tokens_day}), which ends a run before. Lower it."
        )
    run, day = settings.llm_money_run, settings.llm_money_day
    if run is not None and day is not None and run > day:
        yield f"llm_money_run ({run}) is more than llm_money_day ({day}). Lower it."
    address = urlsplit(settings.llm_base_url)
    here = address.hostname in {"127.0.0.1", "localhost", "::1"}
    if settings.llm_model and address.scheme == "http" and not here:
        yield (
            f"llm_base_url {without_password(settings.llm_base_url)!r} is not encrypted: notes"
            f"{' and llm_key' if settings.llm_key.get_secret_value() else ''} can be read on their"
            " way. Use https."
        )


def _path_contradictions(settings: Settings) -> Iterator[str]:
    if not is_directory(settings.store):
        if settings.durability == "power-loss":
            yield "durability power-loss is of local disks: for this store it changes nothing."
        return
    store = Path(one_spelling(settings.store))
    if Path(one_spelling(settings.erasures)).is_relative_to(store):
        yield (
            f"erasures ({settings.erasures}) lies in the store: who restores a backup after the"
            " store was lost has no record of what was erased. Put it beside the store."
        )
