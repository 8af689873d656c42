"""The store in memory: dicts and sorted lists behind one lock."""
