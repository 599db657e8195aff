import type { Translated } from "..";
import type { subgraphs as english } from "../en/subgraphs";

/** 子图、循环与积木。 */
export const subgraphs: Translated<typeof english> = {
  "block.failed": "“{name}”未能保存。{reason}",
  "block.saved": "“{name}”已存为模块，在任何工作流中都可搜索到。",
  "block.try": "搜索",
  "crumbs.label": "当前位置",
  "face.carried": "逐轮传递的值",
  "face.down": "下移 {name}",
  "face.input": "面上的输入",
  "face.noInput": "还没有。进入子图，从“新输入”拉线，或在节点详情中勾选“显示在子图上”。",
  "face.noOutput": "还没有。进入子图，拉线到“新输出”。",
  "face.output": "面上的输出",
  "face.remove": "移除 {name}",
  "face.rename": "{name} 的名称",
  "face.up": "上移 {name}",
  "subgraph.circle": "这些节点不能合为一个：有连线从中出去又回来。",
  "subgraph.enter": "进入",
  "subgraph.inputs": "输入",
  "subgraph.leave": "退出",
  "subgraph.newInput": "新输入",
  "subgraph.newOutput": "新输出",
  "subgraph.nothing": "请先选中要合为一个的节点。",
  "subgraph.outputs": "输出",
  "subgraph.untitled": "子图",
};
