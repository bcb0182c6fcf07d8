"""`zettel model`: the export of the embedding model."""

from dataclasses import dataclass

from anyio import to_thread

from zettel.server.commands.output import Output, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import HASH_MODEL
from zettel.storage.embedding.backends import make_export
from zettel.storage.embedding.exports import Export, read_export
from zettel.storage.embedding.model_files import find_model
from zettel.storage.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedModel:
    """A model and its export."""

    model_id: str
    export: Export


async def export_once(settings: Settings) -> ExportedModel:
    """Export the configured model, unless there is a usable export of it.

    Raises:
        InvalidArgumentError: It is no model.
        ExtraMissingError: The libraries that export it are not installed.
        ModelUnavailableError: It is missing or cannot be exported.
    """
    if settings.model == HASH_MODEL:
        problem, remedy = f"{HASH_MODEL!r} is no model and needs no export", "Name a model."
        raise InvalidArgumentError("model", problem, remedy)
    files = await find_model(settings.model)
    await make_export(files)
    export = await to_thread.run_sync(read_export, files)
    return ExportedModel(model_id=files.model_id, export=export)


def export_output(exported: ExportedModel) -> Output:
    """The printed result."""
    export = exported.export
    data = {
        "model": exported.model_id,
        "folder": str(export.folder),
        "bytes": export.size,
        "largest_difference": export.largest_difference,
    }
    text = (
        f"The export of {exported.model_id} is in {export.folder}, {export.size / 1e6:.0f} MB; its"
        f" vectors differ from sentence-transformers' by {export.largest_difference:.0e} at most."
    )
    return Output(data, printable(text))
