"""What the bench of opening runs in the kernel and in the page. Data only."""

from __future__ import annotations

__all__ = ["CELLS", "IMPORTS", "PAGE"]

# As a notebook's first cells do: the packages are imported when they are first used, and the simulator is started.
IMPORTS = """import ipywidgets, smallest_nb as snb
snb.speak('Hi.')
snb.VoiceTuner, snb.LiveTranscriber, snb.Player, snb.Microphone;"""

CELLS = {
    "bare anywidget": """import anywidget
class Bare(anywidget.AnyWidget):
    _esm = "export default { render({ el }) { el.innerHTML = '<div class=snb><i class=bare></i></div>'; } }"
Bare()""",
    "html": "from IPython.display import HTML; HTML('<i class=\"snb\"><b class=html>An output</b></i>')",
    "slider": "ipywidgets.FloatSlider()",
    "tuner": "tuner = snb.VoiceTuner('Good evening.'); tuner",
    "transcriber": "live = snb.LiveTranscriber(); live",
    "player": "player = snb.Player(); player",
    "microphone": "microphone = snb.Microphone(); microphone",
}

PAGE = {
    # Counts what comes from the kernel over the notebook's WebSocket while a cell opens a widget, and waits until the
    # cell's output has not changed for a while. Times are from the cell's request to the last change.
    "open": """async ([code, quiet, most]) => {
      const panel = window.__panel();
      const kernel = panel.sessionContext.session.kernel;
      const cell = panel.content.widgets.at(-1);
      const figures = { models: 0, messages: 0, bytes: 0 };
      const count = (_, { msg, direction }) => {
        if (!msg.header.msg_type.startsWith('comm_')) return;
        figures.messages += 1;
        if (direction === 'send') return;
        if (msg.header.msg_type === 'comm_open') figures.models += 1;
        figures.bytes += new TextEncoder().encode(JSON.stringify(msg.content)).length;
        for (const buffer of msg.buffers ?? []) figures.bytes += buffer.byteLength;
      };
      kernel.anyMessage.connect(count);
      cell.model.sharedModel.setSource(code);
      panel.content.activeCellIndex = panel.content.widgets.length - 1;
      const began = performance.now();
      let last = began;
      const observer = new MutationObserver(() => { last = performance.now(); });
      observer.observe(cell.node, { subtree: true, childList: true, attributes: true, characterData: true });
      await window.jupyterapp.commands.execute('notebook:run-cell');
      const drawn = () => cell.node.querySelector('.snb [class], .widget-slider, .jupyter-widget-slider');
      while (!drawn() || performance.now() - last < quiet) {
        if (performance.now() - began > most) throw new Error('the widget was not drawn');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      observer.disconnect();
      kernel.anyMessage.disconnect(count);
      return { ...figures, settled: last - began };
    }""",
    "add cell": """async () => {
      const panel = window.__panel();
      panel.content.activeCellIndex = panel.content.widgets.length - 1;
      await window.jupyterapp.commands.execute('notebook:insert-cell-below');
    }""",
    "set source": "(code) => window.__panel().content.widgets.at(-1).model.sharedModel.setSource(code)",
}
