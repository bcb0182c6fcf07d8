"""LanceDB is imported without the client of its catalogues, which is there when it is wanted."""

import json
import subprocess
import sys

import pytest

IMPORTED = """
import json, sys
import zettel.storage.{first}
import lancedb
from lance_namespace import ListTablesResponse
seen = [name in sys.modules for name in ("{client}.models", "{client}.api")]
from lance_namespace_urllib3_client import ApiClient, __version__
tables = ListTablesResponse(tables=["notes"]).tables
print(json.dumps([*seen, ApiClient().user_agent, __version__, tables]))
"""


@pytest.mark.slow
def test_the_client_is_loaded_when_it_is_asked_for_and_not_before() -> None:
    script = IMPORTED.format(first="lance.store", client="lance_namespace_urllib3_client")

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    models, client, agent, version, tables = json.loads(done.stdout)
    assert models
    assert not client
    assert version in agent
    assert tables == ["notes"]
