"""Many processes on one store, killed and cancelled at random; in the end the store is audited."""
