"""One module per client, run as `python -m bench.clients.<module>` in that client's own environment.

They all speak the interface of `harness`, which also holds what is measured, so that it is the same for everybody.
"""
