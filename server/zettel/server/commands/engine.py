"""`zettel status` and `zettel stop`: look at the engine of a store, and end it."""

from collections.abc import Mapping

from zettel.server.commands.output import Output, printable
from zettel.server.engine.ipc.connect import EngineConnection, RefusedError, dial
from zettel.server.engine.ipc.file_lock import is_locked
from zettel.server.engine.ipc.handshake import Json, Message, request
from zettel.server.engine.ipc.rendezvous import Rendezvous, UnattachableError
from zettel.server.engine.ipc.spawn import request_drain
from zettel.storage.errors import EngineUnreachableError

STOP_TIMEOUT_S = 30.0
"""Time for an engine to drain and end."""


def status(place: Rendezvous) -> Message:
    """The state of the store and its engine; `engine` is None if none runs.

    Raises:
        EngineUnreachableError: An engine runs, but does not answer.
    """
    state: Message = {"store": place.store, "engine": None}
    try:
        connection = dial(place, request(place.store, "status"))
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, str(error)) from None
    except RefusedError as error:
        return state | {"problem": str(error)}
    if connection is not None:
        connection.sock.close()
        state["engine"] = {
            name: value for name, value in connection.answer.items() if name != "zettel"
        }
    return state


def stop(place: Rendezvous) -> int | None:
    """Have the engine drain and end, and wait for that.

    Returns:
        Its process id; None if none ran.

    Raises:
        EngineUnreachableError: The engine cannot be reached, or does not end.
    """
    try:
        connection = request_drain(place)
    except UnattachableError as error:
        raise EngineUnreachableError(place.store, str(error)) from None
    except RefusedError:
        # An engine that cannot start ends by itself.
        return None
    if connection is None:
        if is_locked(place.lock):
            raise EngineUnreachableError(place.store, "cannot be reached from here")
        return None
    pid = connection.answer.get("pid")
    _await_end(place, connection)
    return pid if isinstance(pid, int) else None


def _await_end(place: Rendezvous, connection: EngineConnection) -> None:
    with connection.sock:
        connection.sock.settimeout(STOP_TIMEOUT_S)
        try:
            # The connection is closed when the process ends.
            connection.sock.recv(1)
        except TimeoutError:
            pid = connection.answer.get("pid")
            problem = f"(process {pid}) does not end"
            raise EngineUnreachableError(place.store, problem) from None
        except OSError:
            return


def status_output(state: Message) -> Output:
    """The printed status."""
    return Output(state, _status_text(state))


def _status_text(state: Message) -> str:
    engine = state["engine"]
    if not isinstance(engine, dict):
        lines = {"engine": "none; the next client starts one", "store": state["store"]}
        return _table(lines | ({"problem": state["problem"]} if "problem" in state else {}))
    model, evolution, size = (_part(engine, name) for name in ("model", "evolution", "size"))
    llm, off = _part(engine, "llm"), _part(engine, "off")
    lines: dict[str, Json] = {
        "engine": f"process {engine['pid']}, zettel {engine['version']}, {engine['state']}",
        "store": state["store"],
        "up": _duration(engine["uptime_s"]),
        "clients": engine["clients"],
        "listens": engine["endpoint"],
        "HTTP": engine["url"] or None,
        "model": f"{model.get('name')} ({'ready' if model.get('ready') else 'not ready'})",
        "queue": f"{engine['queue']} waiting" if engine["queue"] is not None else None,
        "evolution": f"last {evolution.get('last') or 'never'}, next {evolution.get('next')}",
        "not evolved": _names(off.get("evolution")),
        "LLM": _llm_text(llm),
        "no LLM for": _names(off.get("llm")),
        "size": f"{size['notes']} notes, {size['revisions']} revisions, {size['bytes']:,} bytes"
        if size
        else None,
        "problem": engine["problem"],
    }
    return _table(lines)


def _part(engine: Mapping[str, Json], name: str) -> Message:
    part = engine.get(name)
    return part if isinstance(part, dict) else {}


def _llm_text(llm: Message) -> str | None:
    if not llm:
        return None
    parts: list[Json] = [f"{llm['model']}, {llm['state']}"]
    if llm["problem"]:
        parts.append(llm["problem"])
    if llm["paused_s"]:
        parts.append(f"for {llm['paused_s']} s")
    if llm["last_error"]:
        parts.append(f"last error {llm['last_error']} {llm['last_error_at']}")
    parts.append(f"last answer {llm['last_answer_at'] or 'never'}")
    parts.append(f"{llm['tokens_today']:,} of {llm['tokens_day']:,} tokens today")
    if llm["money_day"]:
        parts.append(f"{llm['money_today']} of {llm['money_day']} spent today")
    return ", ".join(map(str, parts))


def _names(names: Json) -> str | None:
    return ", ".join(map(str, names)) if isinstance(names, list) and names else None


def _table(lines: Mapping[str, Json]) -> str:
    shown = {name: value for name, value in lines.items() if value is not None}
    width = max(map(len, shown))
    return "\n".join(printable(f"{name:<{width}}  {value}") for name, value in shown.items())


def _duration(seconds: Json) -> str:
    whole = int(seconds) if isinstance(seconds, int | float) else 0
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
