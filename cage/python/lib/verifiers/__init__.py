"""Graders that scripts find by name."""
