// Test instrumentation: counts what a page could leave open. The product knows nothing of it.
(() => {
  const contexts = [];
  const tracks = [];
  const Plain = window.AudioContext;
  window.AudioContext = class extends Plain {
    constructor(...args) {
      super(...args);
      contexts.push(this);
    }
  };
  const open = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
  if (open) {
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await open(wanted);
      tracks.push(...stream.getTracks());
      return stream;
    };
  }
  window.__census = () => ({
    contexts: contexts.filter((context) => context.state !== "closed").length,
    tracks: tracks.filter((track) => track.readyState === "live").length,
    opened: tracks.length,
  });
})();
