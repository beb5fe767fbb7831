"""Tellers as a node has them: their lines, their callers, and who hears whom."""
