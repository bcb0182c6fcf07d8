"""The ledger of erasures, and removal of erased texts outside the tables."""
