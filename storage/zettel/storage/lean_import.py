"""LanceDB without a REST client of its catalogues: half of what importing it takes.

LanceDB needs the client's models alone; the client itself, some hundred methods that pydantic
compiles one by one, is for `connect_namespace`, which Zettel does not call. Measured with LanceDB
0.40: 0.75 s of processor time instead of 1.47 s, and 13 MB less.
"""

import sys
from importlib.machinery import PathFinder
from types import ModuleType

CLIENT = "lance_namespace_urllib3_client"


class _Unloaded(ModuleType):
    """A package that is there for its submodules; it runs when something of itself is asked for."""

    _runs = False
    """Once it does, what is not there is not there."""

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if name.startswith("_") or self._runs or spec is None or spec.loader is None:
            raise AttributeError(name)
        self._runs = True
        spec.loader.exec_module(self)
        return getattr(self, name)


def leave_out_client() -> None:
    """Put the client's package where LanceDB will find it, without running it.

    Does nothing where there is no such package, or where it is imported already.
    """
    # Not `importlib.util`, which a client that merely attaches has no other use for.
    spec = None if CLIENT in sys.modules else PathFinder.find_spec(CLIENT)
    if spec is None or spec.submodule_search_locations is None:
        return
    package = _Unloaded(CLIENT)
    package.__spec__, package.__loader__, package.__file__ = spec, spec.loader, spec.origin
    package.__package__, package.__path__ = CLIENT, spec.submodule_search_locations
    sys.modules[CLIENT] = package
