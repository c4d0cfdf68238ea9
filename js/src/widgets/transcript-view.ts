/** The TranscriptView, a widget of its own. */
import { mountTranscript, TranscriptEngine } from "../components/transcript-view";
import { widget } from "../lifecycle";

export default widget(
  (model, channel, signal) => new TranscriptEngine(model, channel, signal),
  mountTranscript,
);
