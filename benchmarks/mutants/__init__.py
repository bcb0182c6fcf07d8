"""Faults put into the product one by one, and whether the tests that guard the place notice."""
