/**
 * When to ask the kernel for messages. Pure: every time is an argument.
 *
 * Most hosts push what a kernel's thread sends; some (Colab) show it only while a cell runs or a page's message is
 * handled, and lose the rest or hold it back. Which it is here is found out, not known by the host's name: the kernel
 * sends a probe from a thread while no page asks, and every message that came only because it was asked for counts
 * against pushing, every one that came by itself for it.
 */

/**
 * While sound streams. Asking made the first sound 81 ms later and texts 41 ms, with a round trip of 500 ms to the
 * kernel 50 and 45 ms, for 5 to 10 polls a take (bench/page/pull.py, a busy machine); 200 ms made the sound 168 ms later, and
 * 50 ms gained too little over 100 for twice the polls.
 */
export const QUICK_MS = 100;
/** While something is merely awaited and does not come. */
export const SLOW_MS = 500;
/** Where messages are pushed, silence is looked into, seldom. */
const CHECK_MS = 1000;
const CHECK_MOST_MS = 4000;
/** After a person's act its consequences are expected for so long. */
const ACT_MS = 5000;
/** From the welcome on; the kernel sends its probe after 1 s. */
const PROBE_MS = 2500;
const PROBES = 3;
/** A message of this age that came only because the page asked was lost on its way. */
const LATE_MS = 400;
/** Where messages come without a poll of ours (another widget's brought them, or they were pushed), they will for a while. */
const CARRIED_MS = 2000;
/** A kernel that is busy answers late: its polls wait in a row, so there are few of them. */
const UNANSWERED_MS = 5000;
/** Polls under way at once while sound streams, so that a long way does not make it come in large lumps. */
const MOST_ASKED = 6;
/** Pushed messages in a row, over so many ms, that say that pushing works again; four times as many each time. */
const PUSHES = 10;
const PUSHES_MS = 2000;

/** What is expected: nothing, something, or sound, which must not be late. */
export type Expected = "nothing" | "something" | "sound";

export class Pull {
  expected: Expected = "nothing";
  #hint: boolean;
  #until = Number.NEGATIVE_INFINITY;
  /** Polls that are not answered yet. */
  #asked = 0;
  /** The kernel has not answered for long. */
  #silent = false;
  #last = Number.NEGATIVE_INFINITY;
  /** When the last poll left. */
  #polled = Number.NEGATIVE_INFINITY;
  #empty = 0;
  #carried = Number.NEGATIVE_INFINITY;
  #probeBy: number | null = null;
  #probes = 0;
  #pushes = 0;
  #pushesSince = 0;
  #needed = PUSHES;

  /** `on`: the host loses what is not asked for. */
  constructor(public on: boolean) {
    this.#hint = on;
    if (on) this.#needed *= 4;
  }

  /** The kernel knows this page. */
  welcomed(now: number): void {
    if (!this.#hint) this.#probeBy = now + PROBE_MS;
    if (this.on) this.act(now); // what the kernel has to show to a new page
  }

  /** The probe came. One that was held back comes with the next answer, and proves nothing. */
  probed(): void {
    if (this.#probeBy === null) return;
    this.#probeBy = null;
    if (this.#asked > 0) this.on = true;
  }

  /** Something will come soon, because a person or the kernel does something. */
  act(now: number): void {
    this.#until = now + ACT_MS;
    this.#empty = 0;
  }

  /** Whether anything is expected at all. */
  expecting(now: number): boolean {
    return this.expected !== "nothing" || now < this.#until;
  }

  /** Whether it is time to ask; a gap in the numbers is always urgent. */
  due(now: number, gap: boolean): boolean {
    if (this.#asked > 0 && now - this.#polled < UNANSWERED_MS && this.#asked >= this.#most) return false;
    if (gap) return now - this.#polled >= QUICK_MS;
    if (this.#probeBy !== null && now >= this.#probeBy) return true;
    return this.expecting(now) && now - this.#last >= this.#pause(now);
  }

  /** A poll left. */
  asked(now: number): void {
    this.#silent ||= this.#asked > 0 && now - this.#polled >= UNANSWERED_MS;
    this.#asked = this.#silent ? 1 : this.#asked + 1;
    this.#last = this.#polled = now;
  }

  /** Another message left; where the kernel must be asked, its handler hands over as well. */
  sent(now: number): void {
    if (this.on) this.#last = now;
  }

  /** A poll was answered; `probed`: the kernel sent its probe a while ago. */
  answered(now: number, probed: boolean): void {
    this.#asked = Math.max(0, this.#asked - 1);
    this.#silent = false;
    this.#empty += 1;
    if (this.#probeBy === null || now < this.#probeBy) return;
    if (probed) this.on = true;
    this.#probes += 1;
    this.#probeBy = probed || this.#probes >= PROBES ? null : now + PROBE_MS;
  }

  /** A numbered message came, for the first time. Returns whether that changed how messages come. */
  arrived(now: number, via: string | undefined, age: number): boolean {
    const was = this.on;
    this.#empty = 0;
    if (!this.on || this.expected !== "sound") this.#last = now; // sound is asked for at a steady rate
    if (this.#asked === 0) this.#carried = now;
    if (via === "pull" && age > LATE_MS) {
      this.on = true;
      this.#pushes = 0;
    } else if (via === "thread" && this.#asked === 0) {
      if (this.#pushes++ === 0) this.#pushesSince = now;
      if (this.on && this.#pushes >= this.#needed && now - this.#pushesSince >= PUSHES_MS) {
        this.on = false;
        this.#pushes = 0;
        this.#needed *= 4;
      }
    }
    return this.on !== was;
  }

  /** How many polls may be under way. */
  get #most(): number {
    return this.on && this.expected === "sound" && !this.#silent ? MOST_ASKED : 1;
  }

  /** How long to wait for the next poll, ms. */
  #pause(now: number): number {
    if (!this.on) return Math.min(CHECK_MOST_MS, CHECK_MS * 2 ** Math.min(this.#empty, 8));
    if (this.expected === "sound") return QUICK_MS;
    if (now - this.#carried < CARRIED_MS) return SLOW_MS;
    return Math.min(SLOW_MS, QUICK_MS * 2 ** Math.min(this.#empty, 8));
  }
}
