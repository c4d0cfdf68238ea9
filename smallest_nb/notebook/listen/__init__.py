"""Listening tests in browsers of their own: a small page that this machine serves."""
