#!/usr/bin/env bash
# rfc3987-syntax 1.1.0 with jsonschema 4.26.0 and nbformat 5.11.1: `import nbformat` builds 39 parsers before it
# returns, because jsonschema imports every format checker that it finds. jsonschema[format-nongpl], which
# jupyter-events requires, installs it, so each start of a Jupyter server, nbconvert, nbclient and pytest with nbval is
# slower, though no notebook schema uses the formats "iri" and "iri-reference". Observed 2026-11-29: 39 parsers, 2.2 s
# of CPU; without the package 0 and 0.2 s. Unexpected because a validator should cost when it validates, and "non-GPL
# formats" suggests a choice of licence, not of start-up time.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install --quiet --disable-pip-version-check \
  'nbformat==5.11.1' 'jsonschema[format-nongpl]==4.26.0' 'rfc3987-syntax==1.1.0' 'lark==1.3.1'

cat > "$work/count.py" <<'PY'
import sys
import time

import lark

built = 0
build = lark.Lark.__init__


def counted(self, *arguments, **options):
    global built
    built += 1
    build(self, *arguments, **options)


lark.Lark.__init__ = counted
began = time.process_time()
import nbformat  # noqa: E402, F401

print(f"parsers built: {built}, CPU seconds: {time.process_time() - began:.1f}")
assert built == int(sys.argv[1]), "the behaviour has changed"
PY

echo "with rfc3987-syntax:"
"$work/env/bin/python" "$work/count.py" 39
mv "$work"/env/lib/python3*/site-packages/rfc3987_syntax "$work/taken-out"
echo "without it:"
"$work/env/bin/python" "$work/count.py" 0
