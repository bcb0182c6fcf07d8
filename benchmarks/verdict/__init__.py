"""Calibrates the verdict of recall over several sets of questions, each left out in turn.

__main__ -> gather -> (the four tools in one process, as installed)
         -> learn -> (the features of a judgement, as installed)
         -> report
"""
