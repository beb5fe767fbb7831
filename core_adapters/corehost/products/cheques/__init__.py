"""Cheques of people and companies."""
