import type { Translated } from "..";
import type { reasons as english } from "../en/reasons";

/** 计划中的步骤为何要运行。 */
export const reasons: Translated<typeof english> = {
  "reason.and": "{one}；{other}",
  "reason.code": "插件 {plugin} 的代码已更改",
  "reason.evicted": "已移出缓存",
  "reason.evicted_model": "已移出缓存：载入的模型只留在内存中",
  "reason.evicted_quick": "已移出缓存：重新计算比存盘更快",
  "reason.file_content": "{input}：{file} 已更改",
  "reason.first_run": "尚未运行过",
  "reason.folder": "改为保存到另一个文件夹",
  "reason.folder_from": "改为保存到 {after}（原为 {before}）",
  "reason.inputs": "输入已更改",
  "reason.inside": "{node}：{reason}",
  "reason.model_file": "模型文件已更改",
  "reason.model_file_input": "模型文件已更改（{input}：{file}）",
  "reason.never_cached": "作者设为从不缓存",
  "reason.outside": "图以外的内容已更改",
  "reason.rewired": "{input} 改为来自 {after}（原为 {before}）",
  "reason.unwired": "{input} 的连线已取下",
  "reason.upstream": "上游 {nodes} 已更改",
  "reason.upstream_many": "上游 {nodes} 及另外 {more} 个节点已更改",
  "reason.value": "{input}：{before} → {after}",
  "reason.version": "{type} 版本 {before} → {after}",
  "reason.wired": "{input} 现在来自 {after}",
};
