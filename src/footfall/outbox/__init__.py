"""What changed, told to whoever keeps columns of it."""
