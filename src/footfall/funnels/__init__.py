"""Funnels: the steps of a way that visitors are to go."""
