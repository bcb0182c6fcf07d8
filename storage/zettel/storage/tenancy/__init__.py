"""A store restricted to the namespaces of one caller."""
