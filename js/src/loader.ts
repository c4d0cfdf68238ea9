/**
 * The module of the second and every further widget of a kind: takes the one that the first has brought to this page. A
 * page that has none (an output in a frame of its own, a webview that was made again) gets it from the kernel by message.
 */
import type { Model } from "./channel";
import { type Factory, find, whenFound } from "./modules";
import { PROTOCOL_VERSION } from "./protocol";

/** The kernel puts the name and the build here (`notebook/widgets/front_end.py`). */
const KEY = "__MODULE__";
/** The first widget may be on its way: all cells are run at once, or the page is being loaded. */
const WAIT_MS = 250;
const AGAIN_MS = 3000;
const WAITING =
  "This widget waits for the kernel, which is busy or was restarted. If it was restarted, run the cell again.";

type Message = { type?: string; n?: number; of?: number; text?: string };

function put({ esm, css }: { esm: string; css: string }): void {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  import(/* @vite-ignore */ url).then(
    () => URL.revokeObjectURL(url),
    (error) => console.error("[smallest_nb] the widget's module could not be loaded", error),
  );
}

/** Ask until the page has the module, from the kernel or from another widget. */
function bring(model: Model, signal: AbortSignal): Promise<Factory> {
  return new Promise((resolve) => {
    const pieces: string[] = [];
    const receive = (content: Message) => {
      if (content?.type !== "module" || find(KEY)) return;
      pieces[content.n ?? 0] = content.text ?? "";
      const whole = pieces.filter((piece) => piece !== undefined).length === content.of;
      if (whole) put(JSON.parse(pieces.splice(0).join("")));
    };
    const ask = () => {
      try {
        model.send({ v: PROTOCOL_VERSION, type: "module", page: "", ack: 0 });
      } catch (error) {
        console.warn("[smallest_nb] the kernel cannot be reached", error);
      }
    };
    const first = setTimeout(ask, WAIT_MS);
    const again = setInterval(ask, AGAIN_MS);
    const end = () => {
      clearTimeout(first);
      clearInterval(again);
      model.off("msg:custom", receive as never);
    };
    model.on("msg:custom", receive as never);
    signal.addEventListener("abort", end);
    whenFound(KEY, (factory) => {
      end();
      if (!signal.aborted) resolve(factory);
    });
  });
}

/** Stands for the widget until its module is there. */
const late: Factory = () => {
  let ready: Promise<ReturnType<Factory>> | undefined;
  return {
    initialize(context) {
      const life = new AbortController();
      let cleanup: (() => void) | undefined;
      const end = () => {
        life.abort();
        cleanup?.();
      };
      context.signal?.addEventListener("abort", end);
      ready = bring(context.model as Model, life.signal).then((factory) => {
        const widget = factory();
        cleanup = widget.initialize(context);
        return widget;
      });
      return end;
    },
    render(context) {
      const note = document.createElement("p");
      const slow = setTimeout(() => {
        note.textContent = WAITING;
      }, AGAIN_MS);
      context.el.append(note);
      let over = false;
      let cleanup: (() => void) | undefined;
      const end = () => {
        over = true;
        clearTimeout(slow);
        note.remove();
        cleanup?.();
      };
      context.signal?.addEventListener("abort", end);
      ready?.then((widget) => {
        if (over) return;
        clearTimeout(slow);
        note.remove();
        cleanup = widget.render(context);
      });
      return end;
    },
  };
};

export default () => (find(KEY) ?? late)();
