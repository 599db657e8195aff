import { describe, expect, it } from "vitest";
import type { JsonObject } from "../api/protocol";
import { pluginTroubles } from "./pluginTroubles";

describe("plugins that did not load", () => {
  it("are told by name, with the traceback where there is one", () => {
    const told: JsonObject[] = [{ plugin: "grain", message: "No module named 'cv2'", details: "Traceback …\n" }, { plugin: "wiggle", message: "two nodes are called Blur" }];
    expect(pluginTroubles(told)).toEqual([
      { plugin: "grain", message: "No module named 'cv2'", details: "Traceback …" },
      { plugin: "wiggle", message: "two nodes are called Blur", details: "" },
    ]);
  });

  it("are not made of what says nothing", () => {
    expect(pluginTroubles([{}, { plugin: 3, message: null }])).toEqual([]);
  });
});
