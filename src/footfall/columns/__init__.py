"""The columns: what analytics are answered from. All of it can be made from the database at any time."""
