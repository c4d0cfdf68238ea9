/** What this page can do, sent to the kernel in `hello`, so that a refusal is explained in one sentence; what its host knows. */

export function capabilities() {
  const policy = (document as { featurePolicy?: { allowsFeature(name: string): boolean } }).featurePolicy;
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  let microphone = "ask";
  if (!devices?.getUserMedia) microphone = window.isSecureContext ? "missing" : "insecure";
  else if (policy && !policy.allowsFeature("microphone")) microphone = "forbidden";
  return {
    build: __BUILD__,
    host: hostName(),
    secure: window.isSecureContext,
    microphone,
    worklet: typeof AudioContext !== "undefined" && "audioWorklet" in AudioContext.prototype,
  };
}

const COLAB_MIC = "If Colab does not ask, run `from smallest_nb import colab; colab.enable_mic()` in a cell.";

/** What a person sees until the browser's question is answered. */
export function asking(): string {
  return `Asking the browser for the microphone…${hostName() === "colab" ? ` ${COLAB_MIC}` : ""}`;
}

function hostName(): string {
  if (document.body.hasAttribute("data-vscode-theme-kind")) return "vscode";
  if ("google" in globalThis && "colab" in ((globalThis as { google?: object }).google ?? {})) return "colab";
  if (document.body.hasAttribute("data-jp-theme-light")) return "jupyter";
  return "other";
}

/** Say in words why the microphone cannot be used and what to do. */
export function microphoneProblem(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  const state = capabilities().microphone;
  if (state === "insecure") {
    return `This page is not secure (${location.origin}), so the browser gives no microphone. Open it over https or on localhost: ssh -L 8888:localhost:8888 your-server.`;
  }
  if (state === "forbidden" || name === "SecurityError") {
    return "This notebook host does not let outputs use the microphone. Open the notebook in JupyterLab in a browser, or transcribe a file.";
  }
  if (name === "NotAllowedError") {
    return `The browser was not allowed to use the microphone. Allow it in the address bar's site settings and press again.${hostName() === "colab" ? ` ${COLAB_MIC}` : ""}`;
  }
  if (name === "NotFoundError" || state === "missing") {
    return "No microphone was found. Plug one in, or transcribe a file.";
  }
  if (name === "NotReadableError") {
    return "The microphone is in use by another program or was unplugged. Close that program and press again.";
  }
  return `The microphone could not be opened (${error instanceof Error ? error.message : String(error)}).`;
}

/** What a host knows of the kernel; all false where it does not say. */
export interface KernelFacts {
  busy: boolean;
  idle: boolean;
  /** Dead, restarting, or none at all. */
  gone: boolean;
  /** The connection is lost, and the host tries to make another one. */
  disconnected: boolean;
}

const GONE_STATES: ReadonlySet<string> = new Set(["dead", "restarting", "autorestarting", "terminating"]);

interface HostKernel {
  status?: string;
  connectionStatus?: string;
  statusChanged?: { connect(slot: () => void): void; disconnect(slot: () => void): void };
}

/** JupyterLab and Notebook give models their widget manager, which has the kernel; other hosts do not. */
function hostKernel(model: object): HostKernel | null | undefined {
  return (model as { widget_manager?: { kernel?: HostKernel | null } }).widget_manager?.kernel;
}

/** Call whenever the host's kernel has another status: a restart may be over before anyone looks again. */
export function onKernelStatus(model: object, changed: () => void, signal: AbortSignal): void {
  const status = hostKernel(model)?.statusChanged;
  status?.connect(changed);
  signal.addEventListener("abort", () => status?.disconnect(changed));
}

export function kernelFacts(model: object): KernelFacts {
  const kernel = hostKernel(model);
  const connection = kernel?.connectionStatus;
  const disconnected = connection === "connecting" || connection === "disconnected";
  const known = disconnected ? "" : kernel?.status;
  return {
    busy: known === "busy",
    idle: known === "idle",
    gone: kernel === null || GONE_STATES.has(kernel?.status ?? ""),
    disconnected,
  };
}
