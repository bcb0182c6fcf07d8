"""Exports the embedding model while nobody calls, so that it needs no torch from then on."""

import logging

from anyio import to_thread

from zettel.server.runtime.factories import AwaitIdle
from zettel.storage.embedding.backends import Backend, can_export, make_export
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.embedding.exports import why_not
from zettel.storage.embedding.model_embedder import ModelEmbedder
from zettel.storage.errors import ModelUnavailableError

IDLE_S = 30.0
"""Seconds without a call after which the export begins: it takes a core for 15 s, at the lowest
priority, and a short session should not pay for it."""

logger = logging.getLogger(__name__)


async def export_when_idle(embedder: Embedder, backend: Backend, await_idle: AwaitIdle) -> bool:
    """Export the model that torch runs, and run the export instead.

    With the backend `onnx`, which has nothing to run without an export, it begins at once.

    `await_idle` is called before a process is started.

    Returns:
        Whether an export runs from now on.
    """
    waiting = backend == "auto" and embedder.ready
    if not isinstance(embedder, ModelEmbedder) or embedder.backend == "onnx":
        return False
    if not waiting and backend != "onnx":
        return False
    if reason := await to_thread.run_sync(_why_not, embedder):
        logger.info("the embedding model %s is not exported: %s", embedder.model_id, reason)
        return False
    if waiting:
        await await_idle(IDLE_S)
    try:
        await make_export(embedder.files, nice=waiting)
        await embedder.renew()
    except ModelUnavailableError as error:
        logger.warning("%s", error)
        return False
    logger.info("onnxruntime runs the embedding model %s", embedder.model_id)
    return True


def _why_not(embedder: ModelEmbedder) -> str:
    if not can_export(embedder.files):
        return "the extra `torch` is not installed"
    return why_not(embedder.files)
