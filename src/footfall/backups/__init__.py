"""Backups of the embedded database: made on a schedule, and restored."""
