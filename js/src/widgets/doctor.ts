/** The doctor's table. */
import { DoctorEngine, mountDoctor } from "../components/doctor";
import { widget } from "../lifecycle";

export default widget((model, channel) => new DoctorEngine(model, channel), mountDoctor);
