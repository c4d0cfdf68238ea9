// Test instrumentation: whatever is connected to an AudioContext's destination is also recorded, sample by sample,
// from the audio thread. The product knows nothing of it.
(() => {
  // A busy machine's device may run dry, and a page then opens it again; what would be rendered meanwhile is not heard.
  if ("playbackStats" in AudioContext.prototype)
    Object.defineProperty(AudioContext.prototype, "playbackStats", { value: { underrunEvents: 0 } });
  // On a busy machine, sound that comes only just in time is lengthened, and no longer the same sample by sample: tests
  // of sound that is made in real time ask for it.
  const post = MessagePort.prototype.postMessage;
  MessagePort.prototype.postMessage = function (message, ...others) {
    const held = message?.reserve && !window.__tap.lengthens ? { ...message, reserve: 0 } : message;
    return post.call(this, held, ...others);
  };
  const source = `registerProcessor("test-tap", class extends AudioWorkletProcessor {
    process(inputs) {
      const channel = inputs[0][0];
      this.port.postMessage(channel ? channel.slice() : new Float32Array(128));
      return true;
    }
    constructor() {
      super();
      this.port.onmessage = () => this.port.postMessage(null);  // comes after all blocks that were rendered before
    }
  });`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const blocks = [];
  const taps = [];
  const waiting = [];
  window.__tap = {
    rate: 0,
    lengthens: false,
    clear: () => blocks.splice(0),
    // Resolves when all that was rendered before has come here. A context that is closed does not answer.
    settle: () =>
      Promise.race([
        new Promise((resolve) => setTimeout(resolve, 1000)),
        Promise.all(
          taps
            .filter((tap) => tap.context.state !== "closed")
            .map(
              (tap) =>
                new Promise((resolve) => {
                  waiting.push([tap, resolve]);
                  tap.port.postMessage(null);
                }),
            ),
        ),
      ]),
    // Base64 of Float32 samples, for the test to decode.
    read: () => {
      const total = new Float32Array(blocks.reduce((n, b) => n + b.length, 0));
      let at = 0;
      for (const block of blocks) {
        total.set(block, at);
        at += block.length;
      }
      const bytes = new Uint8Array(total.buffer);
      let text = "";
      for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
      return btoa(text);
    },
  };
  // What the browser does when a device is pulled out: it ends the track and tells.
  let track = null;
  const open = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  window.__tap.asked = 0; // how often a page wanted a microphone
  if (open) {
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      window.__tap.asked += 1;
      const stream = await open(wanted);
      track = stream.getAudioTracks()[0];
      return stream;
    };
  }
  window.__tap.track = () => track;
  window.__tap.unplug = () => {
    const gone = track.getSettings().deviceId;
    const enumerate = navigator.mediaDevices.enumerateDevices;
    navigator.mediaDevices.enumerateDevices = async function () {
      return (await enumerate.call(this)).filter((device) => device.deviceId !== gone);
    };
    track.stop();
    track.dispatchEvent(new Event("ended"));
  };
  // Contexts in the order in which they were made.
  window.__tap.contexts = [];
  const Context = window.AudioContext;
  if (Context)
    window.AudioContext = class extends Context {
      constructor(...given) {
        super(...given);
        window.__tap.contexts.push(this);
      }
    };
  if (!window.AudioWorklet) return; // a page that is not secure, or empty
  const addModule = AudioWorklet.prototype.addModule;
  const loaded = new WeakSet(); // contexts whose worklet knows the tap
  AudioWorklet.prototype.addModule = async function (module, options) {
    await addModule.call(this, url);
    loaded.add(this);
    return addModule.call(this, module, options);
  };
  const connect = AudioNode.prototype.connect;
  // A context that plays without a worklet gets the tap a moment after its first node; what is before is not recorded.
  const loading = new WeakMap();
  function load(worklet) {
    if (!loading.has(worklet)) loading.set(worklet, addModule.call(worklet, url).then(() => loaded.add(worklet)));
    return loading.get(worklet);
  }
  function record(node) {
    const worklet = node.context.audioWorklet;
    if (!loaded.has(worklet)) {
      load(worklet).then(() => record(node));
      return;
    }
    const known = taps.find((tap) => tap.context === node.context && tap.shared);
    const tap = known ?? new AudioWorkletNode(node.context, "test-tap", { numberOfOutputs: 0, channelCount: 1 });
    if (!known) {
      taps.push(tap);
      tap.shared = loading.has(worklet); // several nodes of such a context reach the destination: they are mixed
      tap.port.onmessage = (event) => {
        if (event.data !== null) blocks.push(event.data);
        else waiting.splice(waiting.findIndex(([from]) => from === tap), 1)[0][1]();
      };
      window.__tap.rate = node.context.sampleRate;
    }
    connect.call(node, tap);
  }
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) record(this);
    return connect.call(this, target, ...rest);
  };
})();
