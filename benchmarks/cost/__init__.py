"""What the verbs cost beside the encoding and the bare commit that none of them can do without."""
