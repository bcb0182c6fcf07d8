"""The ledger of erasures, and the removal of traces."""
