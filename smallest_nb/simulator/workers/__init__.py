"""Processes that hold an engine, and the frames between them and the server.

The scripts are run by file name without the package: what they import lies beside them.
"""
