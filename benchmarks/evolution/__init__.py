"""What each step of evolution is worth, measured in process on data with known evidence."""
