#!/usr/bin/env bash
# fsspec 2026.9.0 with s3fs 2026.9.0: an exception inside `with fs.open(path, "wb")` still commits what was written so
# far, which replaces the complete existing object; on memory:// likewise.
# Observed 2026-11-29: the old 18 bytes are replaced by the 4 of the interrupted writer; in `with fs.transaction` they
# stay.
# Unexpected because an object store shows an upload only after it is complete, which suggests all or nothing; but
# leaving the block calls close(), and close() completes the upload, whatever the reason.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'fsspec==2026.9.0' 's3fs==2026.9.0' 'moto[s3]==5.2.5' 'flask==3.1.3' 'flask-cors==6.0.5'
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
"$work/venv/bin/python" - 2>"$work/server.log" <<'PY'
import contextlib

import fsspec
from moto.server import ThreadedMotoServer

OLD = b"the old transcript"


def interrupted_write(files, path):
    with contextlib.suppress(ConnectionError), files.open(path, "wb") as file:
        file.write(b"half")
        raise ConnectionError("the service went away")


server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
address, port = server.get_host_and_port()
stores = {
    "memory": fsspec.filesystem("memory"),
    "s3": fsspec.filesystem("s3", endpoint_url=f"http://{address}:{port}"),
}
try:
    for name, files in stores.items():
        files.mkdir("talks")
        files.pipe("talks/plain.json", OLD)
        interrupted_write(files, "talks/plain.json")
        left = files.cat("talks/plain.json")
        files.pipe("talks/safe.json", OLD)
        with contextlib.suppress(ConnectionError), files.transaction, files.open("talks/safe.json", "wb") as file:
            file.write(b"half")
            raise ConnectionError("the service went away")
        safe = files.cat("talks/safe.json")
        print(f"{name}: after an interrupted write {left!r}; with a transaction {safe!r}")
        assert left == b"half", "changed: the interrupted write was not committed"
        assert safe == OLD, "changed: a transaction does not protect any more"
finally:
    server.stop()
PY
