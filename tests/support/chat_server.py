"""A stand-in on this machine for a server that speaks the OpenAI chat protocol, as llama.cpp, Ollama and vLLM do."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class ChatServer:
    """Streams, word by word, an answer that says how many messages came and what the last one was.

    Attributes:
        base_url: Such as `http://127.0.0.1:1234/v1`.
        requests: The bodies that came.
    """

    def __init__(self) -> None:
        self.requests: list[dict] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                requests.append(body)
                if self.path != "/v1/chat/completions" or not body.get("stream"):
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                messages = body["messages"]
                for word in f"Message {len(messages)} was {messages[-1]['content']}".split(" "):
                    self._event(json.dumps({"choices": [{"index": 0, "delta": {"content": word + " "}}]}))
                self._event(json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
                self._event("[DONE]")

            def _event(self, data: str) -> None:
                self.wfile.write(f"data: {data}\n\n".encode())
                self.wfile.flush()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
