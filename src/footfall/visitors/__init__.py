"""Browsers and app installs: the list of them, and the details of one."""
