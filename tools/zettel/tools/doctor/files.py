"""Files: what a loss of power or a killed write left in a store's directory."""

from collections.abc import Sequence

from zettel.storage.doctor.facts import FileFacts
from zettel.tools.doctor.finding import Finding

DAMAGED_MANIFESTS = "damaged_manifests"
EMPTY_DATA = "empty_data_files"
EMPTY_INDICES = "empty_index_files"
LEFTOVERS = "leftovers"


def check_files(seen: FileFacts) -> Sequence[Finding]:
    """Damaged and useless files; all of these `--fix` mends by opening and healing the store."""
    told = (
        Finding(
            name=DAMAGED_MANIFESTS,
            count=seen.damaged_manifests,
            means="Versions of tables lost their content, as a loss of power does it. Until that"
            " is mended the store does not open; what was written last may be gone.",
            fix="Goes back to the newest version that is whole.",
            advice="ZETTEL_DURABILITY=power-loss keeps this from happening again.",
        ),
        Finding(
            name=EMPTY_DATA,
            count=seen.empty_data,
            means="Tables have data files without content, as a loss of power does it.",
            fix="Goes back to the newest version that can be read, where the present one cannot.",
            advice="What was written after it is lost here; a backup may hold it.",
        ),
        Finding(
            name=EMPTY_INDICES,
            count=seen.empty_index_files,
            means="Files of indices have no content: a search that needs them fails.",
            fix="Builds the indices anew.",
        ),
        Finding(
            name=LEFTOVERS,
            count=seen.leftovers,
            means="Files of writes that were killed lie about; nothing reads them.",
            fix="Removes them.",
        ),
    )
    return [finding for finding in told if finding.count]
