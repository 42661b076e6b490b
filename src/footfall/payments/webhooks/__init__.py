"""What payment providers deliver: believed, stored, and turned into payments."""
