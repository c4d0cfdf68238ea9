"""For tests of your own code: cassettes and the pytest plugin."""
