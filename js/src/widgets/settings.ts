/** The SettingsPanel, a widget of its own. */
import { mountSettingsPanel, SettingsEngine } from "../components/settings";
import { widget } from "../lifecycle";

export default widget(
  (model, channel, signal) => new SettingsEngine(model, channel, signal),
  mountSettingsPanel,
);
