"""Makes the stores beside it, each by the code that brought in its version of the schema.

    git archive COMMIT | tar -x -C TREE
    python tests/storage/stores/make.py TREE schema-1.tar.gz
    python tests/storage/stores/make.py TREE schema-2.tar.gz --reembed

Version 1 is of commit 3a03ee0, the first that serves the tools; version 2 of 85bc829, the first
whole tree since 5703ff4 that makes vectors anew. Both ran with the libraries of constraints.txt.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import anyio
from mcp import Client, StdioServerParameters

BEES = (
    "Ana keeps four hives of bees on the roof",
    "Ana sells the honey at the market on Saturdays",
    "The queen of the third hive is from Carniola",
    "Ana feeds the bees with sugar syrup in October",
)
WORK = (
    "The API listens on port 8080",
    "Deployments go out on Tuesdays",
    "Ben reviews changes of the schema",
    "The nightly backup lies in the vault",
)
FORGOTTEN = "The staging server is called heron"


def main() -> None:
    """Make one store."""
    tree, packed = Path(sys.argv[1]).resolve(), Path(__file__).with_name(sys.argv[2])
    again = "--reembed" in sys.argv[3:]
    with tempfile.TemporaryDirectory() as name:
        environment = _environment(tree, Path(name), model="all-MiniLM-L6-v2" if again else "hash")
        anyio.run(_tell, environment)
        _zettel(environment, "evolve", "--once")
        if again:
            _zettel(environment, "reembed", "--model", "hash", "--yes")
            _zettel(environment, "stop")
        (Path(name) / "store" / "config.toml").unlink(missing_ok=True)
        with tarfile.open(packed, "w:gz") as archive:
            archive.add(Path(name) / "store", "store")
    sys.stdout.write(f"{packed.name}: {packed.stat().st_size:,} bytes\n")


async def _tell(environment: Mapping[str, str]) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "zettel"], env=dict(environment), cwd="/"
    )
    async with Client(server) as client:

        async def call(tool: str, **arguments: object) -> dict[str, object]:
            done = await client.call_tool(tool, arguments)
            assert not done.is_error, done.content
            return cast("dict[str, object]", done.structured_content)

        for content in BEES:
            await call("remember", content=content, subject="Ana", session="garden")
        told = [await call("remember", content=content, tags=["work"]) for content in WORK]
        port = told[0]["note_id"]
        await call("update", note_id=port, content="The API listens on port 9090")
        gone = await call("remember", content=FORGOTTEN)
        await call("forget", note_ids=[gone["note_id"]])


def _environment(tree: Path, home: Path, *, model: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZETTEL_")}
    roots = os.pathsep.join(str(tree / room) for room in ("server", "tools", "storage"))
    return kept | {
        "PYTHONPATH": roots,
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "ZETTEL_STORE": str(home / "store"),
        "ZETTEL_MODEL": model,
    }


def _zettel(environment: Mapping[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "zettel", *arguments]
    subprocess.run(command, env=environment, cwd="/", check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
