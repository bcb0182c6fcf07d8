"""A made-up world, told and asked about: what a memory must do, measured without anybody's data."""
