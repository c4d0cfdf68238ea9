/** The Player, a widget of its own. */
import { mountPlayer, PlayerEngine } from "../components/player";
import { widget } from "../lifecycle";

export default widget((model, channel, signal) => new PlayerEngine(model, channel, signal), mountPlayer);
