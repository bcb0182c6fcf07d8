"""The examples run as they are and show what they say."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from anyio import run_process
from tests.server.processes import environment
from tests.storage.samples import add, make_note

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.store import NoteFilter

EXAMPLES = Path(__file__).parents[1] / "examples"
SHOWN = {
    "coding_agent": (
        "settle: changed: update(note_id=",
        "  found  \n  - 2026-05-11  The API listens on port 9090 now, no longer on 8080.",
        "as_of='2026-04-01')\n  found  \n  - 2026-03-02  The API listens on port 8080.",
        "  nothing_relevant  No note mentions Kubernetes",
    ),
    "personal_assistant": (
        "  nothing_relevant  No note has the subject 'Nora'.",
        "  found  \n  - 2026-06-01  Mara lives in Porto.",
        "as_of='2025-01-01')\n  found  \n  - 2024-09-01  Mara lives in Lyon.",
        "  forgotten\n",
        "  found  \n  - ",
    ),
}
"""What each prints, among other things."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_an_example_shows_what_it_is_for(name: str, tmp_path: Path) -> None:
    # With the packaged model, whose verdicts the examples show.
    settings = {
        "ZETTEL_MODEL": "all-MiniLM-L6-v2",
        "ZETTEL_EMBED_BACKEND": "onnx",
        "ZETTEL_MODEL_WAIT_SECONDS": "60",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        env=environment(tmp_path / "unused", **settings),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stderr
    for shown in SHOWN[name]:
        assert shown in done.stdout
    assert not (tmp_path / "unused").exists()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("lance_ray") is None, reason="pip install lance-ray, 330 MB, runs it")
async def test_a_local_ray_cluster_embeds_what_waits_and_nothing_twice(tmp_path: Path) -> None:
    embedder, store = HashEmbedder(), tmp_path / "store"
    opened = await open_store(str(store), model_id=embedder.model_id, dim=embedder.dim)
    notes = [make_note(f"bee number {n} dances") for n in range(1_200)]
    await add(opened, *notes)

    command = (sys.executable, str(EXAMPLES / "embed_on_ray.py"), str(store), "--model", "hash")
    first, again = [await run_process(command, stderr=None) for _ in range(2)]

    assert first.stdout.decode().splitlines()[-1] == "embedded 1200 notes"
    assert again.stdout.decode() == ""
    assert await opened.count(NoteFilter(unembedded=True)) == 0
    (hit,) = await opened.match_vectors(
        await embedder.embed_query(notes[7].content), NoteFilter(), limit=1
    )
    assert hit.note_id == notes[7].note_id
    await opened.close()


def test_every_example_is_run_and_can_be_read_in_one_go() -> None:
    files = {file.stem: file for file in EXAMPLES.glob("*.py")}

    assert files.keys() == {*SHOWN, "session", "embed_on_ray"}
    assert all(len(file.read_text("utf-8").splitlines()) <= 120 for file in files.values())
