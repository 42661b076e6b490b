"""Browsers and app installs: the list of them, and one of them whole."""
