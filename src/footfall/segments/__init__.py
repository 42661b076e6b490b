"""Saved segments: filters with a name, which pages can be opened with."""
