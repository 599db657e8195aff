import { describe, expect, it } from "vitest";
import { setValue } from "./commands";
import { amend, commit, jump, redo, startHistory, undo } from "./history";
import { pipeline } from "./testing";

const write = (text: string) => setValue("textEncode", "prompt", text);

describe("history", () => {
  it("walks back and forth through fifty steps", () => {
    let history = startHistory(pipeline());
    const seen = [history.present.document];
    for (let step = 0; step < 50; step += 1) {
      history = commit(history, write(`v${step}`)(history.present.document), "step.value", step * 2000);
      seen.push(history.present.document);
    }
    for (let step = 49; step >= 0; step -= 1) {
      history = undo(history);
      expect(history.present.document).toBe(seen[step]);
    }
    expect(undo(history)).toBe(history);
    for (let step = 1; step <= 50; step += 1) history = redo(history);
    expect(history.present.document).toBe(seen[50]);
    expect(redo(history)).toBe(history);
  });

  it("takes no step for no change", () => {
    const history = startHistory(pipeline());
    expect(commit(history, history.present.document, "step.value", 1)).toBe(history);
  });

  it("makes one step of a gesture, and two of two gestures", () => {
    let history = startHistory(pipeline());
    for (const [at, text] of [[10, "a"], [200, "ab"], [400, "abc"]] as const) {
      history = commit(history, write(text)(history.present.document), "step.value", at, "type:1");
    }
    expect(history.past).toHaveLength(1);
    history = commit(history, write("other")(history.present.document), "step.value", 500, "type:2");
    expect(history.past).toHaveLength(2);
    history = commit(history, write("later")(history.present.document), "step.value", 9000, "type:2");
    expect(history.past).toHaveLength(3);
  });

  it("does not merge into a step that undo has just reached", () => {
    let history = startHistory(pipeline());
    history = commit(history, write("a")(history.present.document), "s", 1, "k");
    history = undo(history);
    history = commit(history, write("b")(history.present.document), "s", 2, "k");
    expect(undo(history).present.document.nodes.textEncode?.values).toEqual({});
  });

  it("never loses what a change after undo replaces", () => {
    let history = startHistory(pipeline());
    history = commit(history, write("long work")(history.present.document), "s", 1);
    history = undo(history);
    history = commit(history, write("instead")(history.present.document), "s", 5000);
    expect(history.future).toEqual([]);
    const [kept] = history.branches;
    if (!kept) throw new Error("nothing kept");
    const back = jump(history, kept, 9000);
    expect(back.present.document.nodes.textEncode?.values.prompt).toBe("long work");
    expect(undo(back).present.document.nodes.textEncode?.values.prompt).toBe("instead");
  });

  it("jumps along the line", () => {
    let history = startHistory(pipeline());
    for (const text of ["a", "b", "c"]) history = commit(history, write(text)(history.present.document), "s", 1);
    const first = history.past[1];
    if (!first) throw new Error("no step");
    const back = jump(history, first, 2);
    expect(back.future).toHaveLength(2);
    expect(redo(redo(back)).present.document).toBe(history.present.document);
  });

  it("remembers the viewport without a step", () => {
    const history = startHistory(pipeline());
    const moved = amend(history, { ...history.present.document, meta: { seen: true } });
    expect(moved.past).toEqual([]);
    expect(moved.present.document.meta).toEqual({ seen: true });
  });
});
