"""`/health`: whether the server lives, and whether calls can be carried out; open to everybody.

Where only people with a token may come in, it tells nothing but that: not where the store is, nor
what is wrong with it, which its log and `zettel status` say.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zettel.server.protocol.server import version
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.access import AccessControl
from zettel.storage.errors import ZettelError

WORDS_ONLY = "meaning is not searched: the embedding model is loading or could not be loaded"
"""Recall goes on by words alone, and says so too; no reason to send callers elsewhere."""


def health_routes(runtime: Runtime, gatekeeper: AccessControl) -> list[Route]:
    """`/health/live`: the process answers. `/health/ready`, and `/health`: so does the store.

    Args:
        runtime: Has the store.
        gatekeeper: Knows whether everybody may come in, and so may know more.
    """

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Request) -> Response:
        status = await _status(runtime, gatekeeper)
        told: dict[str, object] = {"status": status}
        if status == "ok" and not runtime.model_ready:
            told["degraded"] = WORDS_ONLY
        if gatekeeper.everybody:
            told |= _more(runtime)
        return JSONResponse(told, status_code=200 if status == "ok" else 503)

    return [
        Route("/health", ready),
        Route("/health/live", live),
        Route("/health/ready", ready),
    ]


async def _status(runtime: Runtime, gatekeeper: AccessControl) -> str:
    """`ok`, `starting`, `failed` or `leaving`."""
    if runtime.leaving:
        return "leaving"
    if runtime.status == "ok":
        try:
            # A store that was open may have become unreadable since.
            await gatekeeper.look()
        except ZettelError:
            return "failed"
    return runtime.status


def _more(runtime: Runtime) -> Mapping[str, object]:
    told = {
        "version": version(),
        "store": runtime.place,
        "model_ready": runtime.model_ready,
    }
    return told | ({"problem": runtime.problem} if runtime.problem else {})
