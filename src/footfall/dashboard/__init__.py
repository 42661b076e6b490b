"""The pages a person looks at: views, templates and static files."""
