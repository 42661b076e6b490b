"""What visitors went through: funnels, properties of goals, and who came back."""
