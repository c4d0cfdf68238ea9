#!/usr/bin/env bash
# marimo 0.25.2 with anywidget 0.11.0: `marimo export ipynb --include-outputs` saves a widget as a Markdown output with
# the escaped tag of marimo's own element, displayed as text; the HTML and the text that the widget provides are
# omitted.
# Observed 2026-11-29: ['text/markdown'], "&lt;marimo-anywidget data-..."; an object with _repr_html_ keeps its HTML.
# Unexpected because the .ipynb format supports widgets, the HTML export of the same notebook draws the widget, and
# Jupyter saves whatever the bundle contains. Results that should be kept must be displayed as separate objects.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'marimo==0.25.2' 'anywidget==0.11.0' 'ipywidgets==8.1.9' 'nbformat==5.11.1'
cd "$work"
cat > talk.py <<'PY'
import marimo

app = marimo.App()


@app.cell
def _():
    import anywidget
    import marimo as mo

    class Transcript(anywidget.AnyWidget):
        _esm = "export default { render({ el }) { el.textContent = 'live' } }"

        def _repr_mimebundle_(self, **options):
            bundle = super()._repr_mimebundle_(**options)
            data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
            return {**data, "text/html": "<p>what was said</p>", "text/plain": "what was said"}, metadata

    class Result:
        def _repr_html_(self):
            return "<p>what was said</p>"

    return Result, Transcript, mo


@app.cell
def _(Transcript, mo):
    mo.ui.anywidget(Transcript())
    return


@app.cell
def _(Transcript):
    Transcript()
    return


@app.cell
def _(Result):
    Result()
    return


if __name__ == "__main__":
    app.run()
PY
venv/bin/marimo --quiet export ipynb --include-outputs talk.py --output talk.ipynb
venv/bin/python - <<'PY'
import nbformat

cells = [cell for cell in nbformat.read("talk.ipynb", 4).cells if cell.get("outputs")]
wrapped, bare, result = [cell.outputs[0].data for cell in cells]
for name, data in (("mo.ui.anywidget(widget)", wrapped), ("the widget itself", bare), ("_repr_html_", result)):
    print(f"{name}: {({kind: str(text)[:50] for kind, text in data.items()})}")
for data in (wrapped, bare):
    assert list(data) == ["text/markdown"], "changed: another form of output"
    assert "&lt;marimo-anywidget" in str(data) and "what was said" not in str(data), "changed"
assert "what was said" in str(result)
PY
