/** Loads an inlined worklet: blob first, data URL where a frame refuses blobs, a readable error where both fail. */

export async function loadWorklet(context: AudioContext, source: string): Promise<void> {
  if (!context.audioWorklet) {
    throw new Error(
      `This page is not secure (${location.origin}), so the browser gives no audio worklet. Open it over https or on localhost.`,
    );
  }
  const blob = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(blob);
  } catch {
    try {
      await context.audioWorklet.addModule(`data:text/javascript;base64,${btoa(source)}`);
    } catch (error) {
      throw new Error(`The page's content security policy blocks audio worklets (script-src): ${error}`);
    }
  } finally {
    URL.revokeObjectURL(blob);
  }
}
