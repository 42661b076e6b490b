"""What the exports of other systems look like, and what their rows mean here. Pure."""
