"""Settings that are each right and together do not do what they seem to."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import regex

from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.store_path import is_directory, one_spelling
from zettel.storage.errors import InvalidArgumentError

_WITH_PORT = regex.compile(r"https?://.*|[^:]+:\d+|\[.*\](:\d+)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_refusals(settings: Settings) -> list[InvalidArgumentError]:
    """Why a host cannot be listened on, whatever the machine."""
    if not _WITH_PORT.fullmatch(settings.host):
        return []
    problem = f"{settings.host!r} is more than a host"
    remedy = "Pass an address alone, such as 127.0.0.1, 0.0.0.0 or ::1, and the port with --port."
    return [InvalidArgumentError("host", problem, remedy)]


def contradictions(settings: Settings) -> list[str]:
    """Warnings, each with the way out."""
    return [*_of_names(settings), *_of_the_llm(settings), *_of_places(settings)]


def _of_names(settings: Settings) -> Iterator[str]:
    for host in settings.allowed_hosts:
        name, _, port = host.rpartition(":")
        if name and port.isdigit() and int(port) != settings.port:
            yield (
                f"The allowed host {host!r} lets in only who names port {port}, and the server is"
                f" on {settings.port}. Leave the port out: then any is right."
            )
    for origin in settings.allowed_origins:
        parts = urlsplit(origin)
        if origin.endswith(f":{_DEFAULT_PORTS[parts.scheme]}"):
            yield (
                f"The allowed origin {origin!r} lets no page in: browsers leave the default port"
                " out. Leave it out here, too."
            )


def _of_the_llm(settings: Settings) -> Iterator[str]:
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
            f"llm_base_url {settings.llm_base_url!r} is not encrypted: notes"
            f"{' and llm_key' if settings.llm_key.get_secret_value() else ''} can be read on their"
            " way. Use https."
        )


def _of_places(settings: Settings) -> Iterator[str]:
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
