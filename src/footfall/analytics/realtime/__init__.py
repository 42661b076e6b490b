"""Who is on a website now, where, and what they do."""
