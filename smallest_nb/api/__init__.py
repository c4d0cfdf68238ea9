"""The wire protocol as pure functions: no asyncio, no sockets, no Jupyter.

`tts` and `stt` turn settings into URLs and requests, and frames into typed events; `errors` reads every error shape.
"""
