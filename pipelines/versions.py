"""The version of our JSON documents, on stdout and on disk."""

JSON_VERSION = 1  # the next one where a key goes or means something else
