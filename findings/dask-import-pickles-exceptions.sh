#!/usr/bin/env bash
# distributed 2026.8.0 with tblib 3.2.2: `import distributed` replaces the pickling of each exception class that exists
# by then, builtin or of any package, in the whole process; an exception's cause and context are pickled with it.
# Observed 2026-11-30: an exception whose own `__reduce__` leaves its cause out can be pickled before the import and is
# refused after it; of two classes with the same code, the one that is defined after the import is still pickled.
# Unexpected because an import for a cluster changes multiprocessing and caches that never use it, and the class's own
# method no longer decides. The order of imports decides.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'distributed==2026.8.0' 'dask==2026.8.0' 'tblib==3.2.2'
cat > "$work/travel.py" <<'PY'
import pickle


class Early(Exception):
    def __reduce__(self):
        return type(self), self.args  # the cause stays here: it may hold a socket


def outcome(kind):
    try:
        raise kind("no more than two sessions") from ValueError(lambda: "stands for a socket")
    except kind as error:
        try:
            return f"arrives as {pickle.loads(pickle.dumps(error))!r}"
        except Exception as refused:
            return f"is refused with {type(refused).__name__}: {refused}"


before = outcome(Early)
import distributed


class Late(Exception):
    def __reduce__(self):
        return type(self), self.args


after, late = outcome(Early), outcome(Late)
print(f"distributed {distributed.__version__}")
print(f"before the import: {before}")
print(f"after the import: {after}")
print(f"a class that is defined after it: {late}")
assert before.startswith("arrives") and late.startswith("arrives"), "changed: the control is refused too"
assert after.startswith("is refused"), "changed: the class's own method decides"
PY
"$work/venv/bin/python" "$work/travel.py"
