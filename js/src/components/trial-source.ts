/** Where the trials of a listening test come from, and where answers go: the kernel, or the server behind a link. */

/** What a page knows of a trial; never what is heard in it. */
export interface TrialState {
  kind: "ab" | "abx" | "mos" | "mushra";
  phase: "start" | "training" | "test" | "done";
  listener: string;
  trial: number;
  /** Counts from 1 within the training or the test. */
  place: number;
  training: number;
  total: number;
  places: string[];
  /** Who is next on this page, or empty. */
  next?: string;
}

export interface TrialAnswer {
  trial: number;
  values: number[];
  heard: boolean[];
  seconds: number;
  switches: number;
}

/** What was found, once every listener is through. */
export interface Outcome {
  lines?: string[];
  bars?: { name: string; text: string; at: number; low: number | null; high: number | null }[];
  chance?: number | null;
}

export interface TrialSound {
  sampleRate: number;
  bytes: Uint8Array;
}

export interface TrialSource {
  readonly state: TrialState | null;
  readonly outcome: Outcome;
  readonly error: string;
  readonly ready: boolean;
  /** Call when any of these has changed. */
  onChange(changed: () => void): void;
  /** Call when this page has to be silent, as another one sounds or none is seen. */
  onSilence(silence: () => void): void;
  sound(trial: number, place: number): Promise<TrialSound>;
  begin(): void;
  next(): void;
  answer(answer: TrialAnswer): void;
  /** This page begins to sound. */
  sounds(): void;
}
