"""Funnels: the steps that visitors are meant to go through."""
