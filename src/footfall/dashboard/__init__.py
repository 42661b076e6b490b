"""The pages people look at: views, templates and static files."""
