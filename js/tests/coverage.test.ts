/** Which parts of a sound were heard: what an answer waits for. */
import { describe, expect, it } from "vitest";
import { Coverage } from "../src/audio/coverage";

describe("Coverage", () => {
  it("joins what overlaps and touches", () => {
    const heard = new Coverage(2);
    heard.add(0, 0.5);
    heard.add(1.5, 2);
    expect(heard.share).toBeCloseTo(0.5);
    expect(heard.whole).toBe(false);
    heard.add(0.4, 0.9);
    heard.add(0.9, 1.6);
    expect(heard.share).toBe(1);
    expect(heard.whole).toBe(true);
  });

  it("counts nothing twice and nothing outside", () => {
    const heard = new Coverage(1);
    for (let n = 0; n < 10; n++) heard.add(0.2, 0.4);
    heard.add(-5, 0.1);
    heard.add(0.9, 7);
    heard.add(0.8, 0.7);
    expect(heard.share).toBeCloseTo(0.4);
  });

  it("is whole when a clock's step is missing, and not when a syllable is", () => {
    const heard = new Coverage(3);
    heard.add(0.02, 2.98);
    expect(heard.whole).toBe(true);
    const less = new Coverage(3);
    less.add(0, 2.9);
    expect(less.whole).toBe(false);
  });

  it("has heard nothing of nothing", () => {
    expect(new Coverage(0).share).toBe(0);
  });
});
