#!/usr/bin/env bash
# hypothesis 6.170.17 with pytest-asyncio 1.5.0: all examples of an `async def` test under @given run in one event loop,
# and a task that one example leaves behind still runs during the following examples.
# Observed 2026-11-29: five examples that each leave a task find 0, 1, 2, 3, 4 foreign tasks when they start.
# Unexpected because each test function has a loop whose tasks are cancelled at its end; but hypothesis calls the
# function once for each example, in the loop of the outer test. Sockets of one example feed the next.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'hypothesis==6.170.17' 'pytest-asyncio==1.5.0' 'pytest==9.2.0'
cd "$work"
cat > test_leftovers.py <<'PY'
import asyncio

from hypothesis import given, settings, strategies as st

with_given, plain = [], []


def look(into):
    into.append(len(asyncio.all_tasks()) - 1)
    asyncio.create_task(asyncio.sleep(60))


@settings(max_examples=5, deadline=None, database=None)
@given(st.integers())
async def test_given(number):
    look(with_given)
    await asyncio.sleep(0)


async def test_plain_1():
    look(plain)


async def test_plain_2():
    look(plain)


def test_what_was_seen():
    print("\nforeign tasks at the start of each example:", with_given, "of each plain test:", plain)
    assert with_given[:5] == [0, 1, 2, 3, 4], "changed: an example's tasks end with it"
    assert plain == [0, 0]
PY
venv/bin/python -m pytest -q -s -p no:cacheprovider -o asyncio_mode=auto -W ignore test_leftovers.py
