"""Two tenants hammer one server, know all of each other, and must see nothing of it."""
