import js from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** `graph` is pure: no DOM, no fetch, no other room. `api` knows the protocol only. */
const pure = (rooms) => [
  "error",
  { patterns: [{ group: rooms, message: "graph <- store <- editor <- main; api stands alone" }] },
];

export default tseslint.config(
  { ignores: ["node_modules", "dist", "../server/static", "src/api/protocol.ts"] } /* protocol.ts is generated */,
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ["**/*.{ts,tsx}"],
    plugins: { "react-hooks": reactHooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "max-lines": ["error", { max: 320, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ["src/graph/**/*.ts"],
    rules: {
      "no-restricted-imports": pure(["**/editor/**", "**/store/**", "react", "@xyflow/*", "zustand"]),
      "no-restricted-globals": ["error", "document", "window", "fetch", "localStorage"],
    },
  },
  { files: ["src/api/**/*.ts"], rules: { "no-restricted-imports": pure(["**/editor/**", "**/store/**"]) } },
  { files: ["src/store/**/*.ts"], rules: { "no-restricted-imports": pure(["**/editor/**"]) } },
  {
    files: ["fake-server/**/*.mjs", "*.js"],
    languageOptions: { globals: { process: "readonly", Buffer: "readonly", URL: "readonly", console: "readonly", setTimeout: "readonly", clearTimeout: "readonly", setInterval: "readonly" } },
  },
);
