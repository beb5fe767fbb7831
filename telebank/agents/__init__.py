"""Queues and seats as machines."""
