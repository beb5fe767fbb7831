"""What tellers look up: articles in two languages, found by their words and by business.

Articles are data (config/knowledge); `load` reads them, `Shelf` (index) finds them in memory.
"""
