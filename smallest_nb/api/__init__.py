"""The vendor's API as data: settings, models, voices and languages; requests, frames and errors; code in and out.

Nothing here waits, connects or knows Jupyter: settings become URLs and requests, frames become typed events.
"""
