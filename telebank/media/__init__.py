"""The media worker: RTP, keys and prompts for many calls in one process."""
