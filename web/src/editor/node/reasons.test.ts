import { expect, test } from "vitest";
import type { PlanReason } from "../../api/protocol";
import { translate } from "../../i18n";
import type { Translate } from "../useT";
import { whyText } from "./reasons";

const english: Translate = (key, fill) => translate("en", key, fill);
const chinese: Translate = (key, fill) => translate("zh", key, fill);

const step = (reasons: PlanReason[], inside?: string) => ({
  node: "n",
  type: "T",
  key: "",
  status: "run" as const,
  where: "",
  reason: "",
  reasons,
  seconds: null,
  nbytes: null,
  ...(inside === undefined ? {} : { inside }),
});

test("reasons are told in the language of the page", () => {
  const told = step([
    { code: "value", params: { input: "seed", before: "41", after: "42" } },
    { code: "upstream_many", params: { nodes: "a, b, c, d", more: "3" } },
  ]);
  expect(whyText(told, english)).toBe("seed: 41 → 42; upstream a, b, c, d and 3 more changed");
  expect(whyText(told, chinese)).toBe("seed：41 → 42；上游 a, b, c, d 及另外 3 个节点已更改");
});

test("of a sub-graph it is said which inner node they are about", () => {
  expect(whyText(step([{ code: "first_run", params: {} }], "inner"), chinese)).toBe("inner：尚未运行过");
  expect(whyText(step([], "inner"), chinese)).toBe("");
});
