/** Loads an inlined worklet: blob first, data URL where a frame refuses blobs, a readable error where both fail. */

/** Return the way that was open. */
export async function loadWorklet(context: BaseAudioContext, source: string): Promise<"blob" | "data"> {
  if (!context.audioWorklet) {
    throw new Error(
      `This page is not secure (${location.origin}), so the browser gives no audio worklet. Open it over https or on localhost.`,
    );
  }
  const blob = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(blob);
    return "blob";
  } catch {
    try {
      await context.audioWorklet.addModule(`data:text/javascript;base64,${btoa(source)}`);
      return "data";
    } catch (error) {
      throw new Error(`The page's content security policy blocks audio worklets (script-src): ${error}`);
    }
  } finally {
    URL.revokeObjectURL(blob);
  }
}
