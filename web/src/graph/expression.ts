/** Small arithmetic for number fields: `16*4+1`, `2^5`, `(640/2)`, `pi`. No names but pi and e, no calls. */

/** The value of an expression; undefined where it is none. */
export function evaluate(source: string): number | undefined {
  const tokens = source.replace(/,/g, ".").match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+|pi|e|[-+*/^%()]|\S/gi);
  if (tokens === null || tokens.length > 200) return undefined;
  const state = { tokens, at: 0 };
  const value = sum(state);
  return state.at === tokens.length && value !== undefined && Number.isFinite(value) ? value : undefined;
}

interface State {
  readonly tokens: readonly string[];
  at: number;
}

function sum(state: State): number | undefined {
  let left = product(state);
  for (let sign = state.tokens[state.at]; sign === "+" || sign === "-"; sign = state.tokens[state.at]) {
    state.at += 1;
    const right = product(state);
    if (left === undefined || right === undefined) return undefined;
    left = sign === "+" ? left + right : left - right;
  }
  return left;
}

function product(state: State): number | undefined {
  let left = power(state);
  for (let sign = state.tokens[state.at]; sign === "*" || sign === "/" || sign === "%"; sign = state.tokens[state.at]) {
    state.at += 1;
    const right = power(state);
    if (left === undefined || right === undefined) return undefined;
    left = sign === "*" ? left * right : sign === "/" ? left / right : left % right;
  }
  return left;
}

function power(state: State): number | undefined {
  const base = unary(state);
  if (state.tokens[state.at] !== "^" || base === undefined) return base;
  state.at += 1;
  const exponent = power(state);
  return exponent === undefined ? undefined : base ** exponent;
}

function unary(state: State): number | undefined {
  const token = state.tokens[state.at];
  state.at += 1;
  if (token === undefined) return undefined;
  if (token === "-" || token === "+") {
    const value = power(state);
    return value === undefined ? undefined : token === "-" ? -value : value;
  }
  if (token === "(") {
    const value = sum(state);
    state.at += 1;
    return state.tokens[state.at - 1] === ")" ? value : undefined;
  }
  if (/^pi$/i.test(token)) return Math.PI;
  if (/^e$/i.test(token)) return Math.E;
  return /^[\d.]/.test(token) ? Number(token) : undefined;
}
