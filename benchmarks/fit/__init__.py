"""Fits the weights of recall's ranking to a data set with known evidence.

__main__ -> gather -> (the store, the embedder and evolution, as installed)
         -> matrix -> (the signals, as installed)
         -> learn, report -> matrix
"""
