// Test instrumentation: a person at the page's microphone, who speaks when the test says so and not at fixed times,
// because a busy machine answers late. The device, its permission and its settings are the browser's own (fake) ones;
// what the person says is mixed into its sound. To be run before the microphone is opened.
(() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let context = null;
  let mouth = null;
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const device = await open(wanted);
    context = new AudioContext();
    mouth = context.createMediaStreamDestination();
    context.createMediaStreamSource(device).connect(mouth);
    const [from] = device.getAudioTracks();
    const [track] = mouth.stream.getAudioTracks();
    const stop = track.stop.bind(track);
    track.getSettings = () => from.getSettings();
    track.stop = () => {
      from.stop();
      stop();
      void context.close();
    };
    return mouth.stream;
  };
  // Resolves when all of it was said.
  window.__say = async (wav) => {
    const bytes = Uint8Array.from(atob(wav), (c) => c.charCodeAt(0));
    const source = context.createBufferSource();
    source.buffer = await context.decodeAudioData(bytes.buffer);
    source.connect(mouth);
    await new Promise((done) => {
      source.onended = done;
      source.start();
    });
  };
})();
