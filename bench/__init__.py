"""Measures this package beside a bare websockets client and the other Python clients of the same API.

`make bench` installs the peers and runs everything; `python -m bench.services --quick` is a check of two minutes.
"""
