"""Each client library behind one interface; the benches and `tests/oracles` drive them in their own environments."""
