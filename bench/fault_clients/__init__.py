"""One adapter per client, each run in a process of its own: `python -m bench.fault_clients.ours`."""
