"""Writes the bundle for clients that install `.mcpb` files: `make mcpb`.

It is of the server type `uv`: sources and the exact versions of what they need, which the client's
uv installs at the first start. Half of what Zettel needs is compiled for one system, so that a
bundle with everything in it would be one for each system and Python, of 400 MB each.
"""

import json
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

ROOT = Path(__file__).parents[2]
OWN = ("manifest.json", "start.py")
COPIED = ("LICENSE", "README.md", "server", "tools", "storage")
"""What `pyproject.toml` builds the package of."""


def main() -> int:
    """Write `dist/zettel-VERSION.mcpb`."""
    version = json.loads((ROOT / "deploy/mcpb/manifest.json").read_text(encoding="utf-8"))[
        "version"
    ]
    bundle = ROOT / "dist" / f"zettel-{version}.mcpb"
    bundle.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name))
        pack(Path(name), bundle)
    sys.stdout.write(f"{bundle.relative_to(ROOT)}: {bundle.stat().st_size / 1e6:.1f} MB\n")
    return 0


def fill(folder: Path) -> None:
    """Put the bundle's files into a folder."""
    for name in OWN:
        shutil.copy(ROOT / "deploy" / "mcpb" / name, folder)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(f"{project}\n{uv_settings()}", encoding="utf-8")


def uv_settings() -> str:
    """The versions that are tested, and nothing that serving does not need."""
    settings = {
        "constraint-dependencies": _lines(ROOT / "constraints.txt"),
        "override-dependencies": _lines(ROOT / "locks" / "without-torch.txt"),
    }
    # A JSON string or list of strings is one of TOML, too.
    text = "".join(f"{name} = {json.dumps(lines)}\n" for name, lines in settings.items())
    assert tomllib.loads(text) == settings
    return f"[tool.uv]\n{text}"


def _lines(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pack(folder: Path, bundle: Path) -> None:
    """Zip a folder's files in the order of their names."""
    with ZipFile(bundle, "w", ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))


if __name__ == "__main__":
    sys.exit(main())
