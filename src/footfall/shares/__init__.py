"""Shares: links with which anybody sees the overview of a website."""
