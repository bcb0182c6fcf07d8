"""How Zettel is reached: transports, schemas, settings, the scheduler's clock, the command line."""
