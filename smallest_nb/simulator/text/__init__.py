"""Texts as the service writes and reads them: numbers, names, redaction."""
