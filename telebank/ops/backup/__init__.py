"""A backup of a node's data in one archive, and the way back.

The archive is a tar (POSIX.1-2001): the database, the files of `manifest.TAKEN`, where wanted the
keys under a passphrase, then `manifest.json` with the SHA-256 of each, then the manifest's own.
"""
