/** The colours that a person may give to nodes and groups; each has enough contrast to both canvases. */
export const NODE_COLORS: readonly string[] = ["#5b8def", "#3fa796", "#c98a2b", "#c2607e", "#8b72d8", "#7d8794"];
