"""How a data set is found among many notes that are not asked for."""
