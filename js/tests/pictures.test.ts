import { describe, expect, it, vi } from "vitest";
import { spectrogram } from "../src/audio/spectrogram";
import { Take } from "../src/audio/take";
import { Pair } from "../src/components/compare-row";

function tone(hz: number, rate: number, seconds: number, level = 0.5): Take {
  const samples = Int16Array.from({ length: rate * seconds }, (_, i) =>
    Math.round(32767 * level * Math.sin((2 * Math.PI * hz * i) / rate)),
  );
  const take = new Take(`${hz}`, rate);
  take.write(new Uint8Array(samples.buffer));
  take.total = take.samples;
  return take;
}

describe("the spectrogram", () => {
  it.each([440, 1000, 3000, 6500])("shows a tone of %i Hz where it is and nowhere else", (hz) => {
    const found = spectrogram(tone(hz, 24000, 1), 40);
    const column = found.levels.subarray(20 * found.rows, 21 * found.rows);
    const loudest = column.indexOf(Math.max(...column));
    expect(Math.abs((loudest * 24000) / 512 - hz)).toBeLessThan(47);
    const far = [...column].filter((_, row) => Math.abs(row - loudest) > 6);
    expect(Math.max(...far)).toBeLessThan(column[loudest]! - 100);
  });

  it("is at full scale for a full-scale tone, and empty for silence", () => {
    expect(Math.max(...spectrogram(tone(1000, 16000, 1, 1), 10).levels)).toBeGreaterThan(248);
    expect(Math.max(...spectrogram(tone(1000, 16000, 1, 0), 10).levels)).toBe(0);
  });

  it("ends at half the sample rate and is as wide as asked, however short the take", () => {
    const found = spectrogram(tone(300, 8000, 0.1), 77);
    expect([found.columns, found.rows, found.top]).toEqual([77, 256, 4000]);
    expect(found.levels.length).toBe(77 * 256);
  });
});

describe("a pair of takes", () => {
  function playback() {
    const methods = { stop: vi.fn(), playFrom: vi.fn(), unlock: vi.fn(async () => {}) };
    return { take: null as Take | null, state: "idle", incoming: false, ...methods };
  }

  function pcm(seconds: number): Uint8Array {
    return new Uint8Array(2 * 24000 * seconds);
  }

  it("starts at the beginning, then switches at the same instant", () => {
    const player = playback();
    const pair = new Pair(player as never);
    pair.put("a", "Take 1", 24000, pcm(3));
    expect(pair.whole).toBe(false);
    pair.put("b", "Take 2", 24000, pcm(2));
    expect(pair.whole).toBe(true);
    pair.play("a");
    expect(player.playFrom).toHaveBeenLastCalledWith(pair.takes.a, 0);
    player.take = pair.takes.a!;
    player.state = "playing";
    player.take.position = 24000 * 1.25;
    pair.play("b");
    expect(player.playFrom).toHaveBeenLastCalledWith(pair.takes.b, 1.25);
    player.take.position = 24000 * 2.5;
    pair.play("b");
    expect(player.playFrom).toHaveBeenLastCalledWith(pair.takes.b, 0);
  });

  it("does not take the place of something else that plays for its own", () => {
    const player = playback();
    const pair = new Pair(player as never);
    pair.put("a", "Take 1", 24000, pcm(3));
    pair.put("b", "Take 2", 24000, pcm(3));
    player.take = tone(440, 24000, 2);
    player.take.position = 24000;
    player.state = "playing";
    pair.play("a");
    expect(player.stop).toHaveBeenCalledTimes(1);
    expect(player.playFrom).toHaveBeenLastCalledWith(pair.takes.a, 0);
    pair.clear();
    pair.play("a");
    expect(player.playFrom).toHaveBeenCalledTimes(1);
  });
});
