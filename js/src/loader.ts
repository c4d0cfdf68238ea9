/**
 * The small module that a widget is opened with. Its own one is taken from the page, where another widget of the kind has
 * brought it; or it is packed in this one; or, in a page that has neither (an output in a frame of its own, a webview that
 * was made again) or cannot unpack it, the kernel sends it by message.
 */
import type { Model } from "./channel";
import { type Factory, find, loadOnce, whenFound } from "./modules";
import { PROTOCOL_VERSION } from "./protocol";

/** Both are put in front of this module by the kernel (`notebook/widgets/front_end.py`). */
/** Name and build. */
declare const SNB_MODULE: string;
/** The module and its style sheet as JSON, compressed by gzip, in base64; empty if another widget of the kind has it. */
declare const SNB_PACKED: string;

/** The first widget may be on its way: all cells are run at once, or the page is being loaded. */
const WAIT_MS = 250;
const AGAIN_MS = 3000;
const WAITING =
  "This widget waits for the kernel, which is busy or was restarted. If it was restarted, run the cell again.";

type Message = { type?: string; n?: number; of?: number; text?: string };

async function put(text: string): Promise<void> {
  const { esm, css } = JSON.parse(text) as { esm: string; css: string };
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  try {
    await import(/* @vite-ignore */ url);
  } catch (error) {
    style.remove();
    console.error("[smallest_nb] the widget's module could not be loaded", error);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Load the module that is packed in this one. Safari before 16.4 and Firefox before 113 cannot. */
async function unpack(packed: string): Promise<void> {
  if (typeof DecompressionStream === "undefined") return;
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const { readable, writable } = new DecompressionStream("gzip"); // a Blob's stream would go through another process
  const writer = writable.getWriter();
  const written = Promise.all([writer.write(bytes), writer.close()]);
  const [plain] = await Promise.all([new Response(readable).text(), written]);
  await put(plain);
}

/** Ask until the page has the module, from the kernel or from another widget. */
function bring(model: Model, signal: AbortSignal): Promise<Factory> {
  return new Promise((resolve) => {
    const pieces: string[] = [];
    const receive = (content: Message) => {
      if (content?.type !== "module" || find(SNB_MODULE)) return;
      pieces[content.n ?? 0] = content.text ?? "";
      const whole = pieces.filter((piece) => piece !== undefined).length === content.of;
      if (whole) void loadOnce(SNB_MODULE, () => put(pieces.splice(0).join("")));
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
    whenFound(SNB_MODULE, (factory) => {
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

export default async () => {
  if (SNB_PACKED) await loadOnce(SNB_MODULE, () => unpack(SNB_PACKED)).catch(console.warn);
  return (find(SNB_MODULE) ?? late)();
};
