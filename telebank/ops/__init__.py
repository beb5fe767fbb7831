"""Keeping it running: health, supervision of processes, who holds a port."""
