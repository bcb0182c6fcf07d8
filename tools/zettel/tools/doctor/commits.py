"""Conditional puts: what keeps two servers on one object store from overwriting each other."""

from collections.abc import Sequence

from zettel.tools.doctor.finding import Finding

LOST_COMMITS = "lost_commits"


def check_commits(lost: int) -> Sequence[Finding]:
    """What it means if commits of a probe were lost."""
    if not lost:
        return []
    return [
        Finding(
            name=LOST_COMMITS,
            count=lost,
            means="The object store ignores the condition of a put: of two processes that write"
            " at once, one loses what was acknowledged.",
            advice="Let one process alone write there, or use a store with conditional puts (AWS"
            " S3, Google Cloud Storage, Azure, MinIO).",
        )
    ]
