#!/usr/bin/env bash
# rfc3987-syntax 1.1.0, beside jsonschema 4.26.0 and nbformat 5.11.1 (2026-11-29)
# If rfc3987-syntax is installed, `import nbformat` builds 39 parsers before it returns, because jsonschema
# imports every format checker that it finds. Seen: 39 parsers; 2.2 s of the 3.0 s of CPU that the import took.
# `jsonschema[format-nongpl]`, which jupyter-events requires, installs it, so each Jupyter server, nbconvert, nbclient
# and pytest with nbval pays on each start, though no notebook schema uses the formats "iri" and "iri-reference".
# Good guesses are wrong because a validator is expected to cost when it validates, and "non-GPL formats" to be a licence
# choice, not a start-up time.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  nbformat==5.11.1 'jsonschema[format-nongpl]==4.26.0' rfc3987-syntax==1.1.0 lark==1.3.1

cat > "$folder/count.py" <<'PY'
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

print(f"parsers built: {built}, CPU seconds {time.process_time() - began:.1f}")
raise SystemExit(0 if built == EXPECTED else 1)
PY

echo "with rfc3987-syntax:"
sed 's/EXPECTED/39/' "$folder/count.py" > "$folder/with.py"
"$folder/env/bin/python" "$folder/with.py"

mv "$folder"/env/lib/python3*/site-packages/rfc3987_syntax "$folder/taken-out"
echo "without it:"
sed 's/EXPECTED/0/' "$folder/count.py" > "$folder/without.py"
"$folder/env/bin/python" "$folder/without.py"
