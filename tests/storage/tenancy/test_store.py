"""A tenant's view of a store; `tests/tools/test_tenants.py` drives it through the verbs."""

from zettel.storage.store import StoreAdmin
from zettel.storage.tenancy.store import ScopedStore


def test_a_scoped_store_has_no_operation_of_the_owner() -> None:
    owners = {name for name in vars(StoreAdmin) if not name.startswith("_")}

    assert "purge" in owners
    assert not [name for name in owners if hasattr(ScopedStore, name)]
