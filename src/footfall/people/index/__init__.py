"""The trait index, by which people are found: data that can be rebuilt."""
