"""The script that websites embed, and how it is served."""
