"""`python -m zettel`: the same as the command `zettel`."""

from zettel.server.main import main

main()
