/** The node type that only bends a wire. */
export const REROUTE = "Reroute";
