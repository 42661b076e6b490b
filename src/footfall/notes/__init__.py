"""Notes: what somebody wrote about a moment, for charts."""
