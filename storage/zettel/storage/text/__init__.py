"""Text handling the store needs: passages, utterances, substrings."""
