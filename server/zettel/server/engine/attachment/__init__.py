"""The client side of an engine: attach, relay, replay."""
