"""Analytics: what is asked of the numbers, and how the columns answer it."""
