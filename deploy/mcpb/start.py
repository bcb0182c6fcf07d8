"""Starts the stdio server, for hosts that run a bundle's entry point instead of its command."""

from zettel.server.main import main

if __name__ == "__main__":
    main()
