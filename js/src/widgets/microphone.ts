/** The Microphone, a widget of its own; in a tab of its own it is the microphone of another widget. */
import type { Model } from "../channel";
import { MicrophoneEngine, mountMicrophone } from "../components/microphone";
import { widget } from "../lifecycle";

/** The name of the part that a tab draws; a widget of its own has none. */
const partOf = (model: Model): string => String(model.get("part") ?? "");

export default widget(
  (model, channel, signal) => new MicrophoneEngine(model, channel.channel.part(partOf(model)), signal),
  mountMicrophone,
  (model) => [partOf(model)],
);
