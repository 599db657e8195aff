/** Words by which people look for nodes, in the words that nodes are described with: Chinese, and other programs' names. */

const WORDS: Readonly<Record<string, string>> = {
  模型: "model", 加载: "load", 载入: "load", 读取: "load open", 打开: "load open", 导入: "load import", 保存: "save", 导出: "save export", 输出: "output save",
  视频: "video", 影片: "video", 短片: "video clip", 图片: "image picture", 图像: "image picture", 照片: "image picture", 画面: "frames image", 帧: "frames", 音频: "audio", 声音: "audio",
  文字: "text", 文本: "text", 字符: "text", 提示词: "prompt", 提示: "prompt", 描述: "prompt", 负面: "negative", 反向: "negative reverse", 条件: "condition conditioning",
  编码: "encode", 解码: "decode", 编码器: "encoder", 潜变量: "latent", 潜空间: "latent", 噪声: "noise", 噪点: "noise grain", 去噪: "denoise sampler", 采样: "sampler sample", 采样器: "sampler", 调度: "schedule", 步数: "steps", 引导: "guidance", 种子: "seed random", 随机: "random",
  缩放: "resize scale", 尺寸: "size resize", 大小: "size resize", 放大: "upscale enlarge", 超分: "upscale", 缩小: "resize", 裁剪: "crop trim", 剪切: "trim crop", 旋转: "rotate", 翻转: "flip", 镜像: "flip", 倒放: "reverse", 速度: "speed", 插帧: "interpolate", 循环: "loop", 重复: "repeat loop", 拼接: "join concat", 合并: "merge join combine", 连接: "join concat", 拆分: "split", 分割: "split", 网格: "grid", 并排: "grid side",
  混合: "blend mix", 叠加: "overlay blend", 遮罩: "mask", 蒙版: "mask", 颜色: "color colour", 色彩: "color colour", 亮度: "brightness", 对比度: "contrast", 饱和度: "saturation", 模糊: "blur", 锐化: "sharpen", 渐变: "gradient fade", 淡入: "fade", 淡出: "fade",
  数学: "math", 计算: "math calculate", 加: "add", 减: "subtract", 乘: "multiply", 除: "divide", 数字: "number", 整数: "integer", 小数: "float", 列表: "list", 开关: "switch boolean", 选择: "switch choose select", 判断: "if condition", 比较: "compare", 如果: "if", 逻辑: "logic", 子图: "subgraph", 分组: "group subgraph", 转接: "reroute", 预览: "preview show", 查看: "inspect preview show", 显示: "show preview", 检查: "inspect", 批准: "approve", 审核: "approve", 确认: "approve confirm", 暂停: "pause approve",
  训练: "train", 评测: "evaluate", 数据集: "dataset", 微调: "lora train", 文件: "file", 文件夹: "folder", 路径: "path", 曲线: "curve", 时间: "time", 镜头: "camera", 相机: "camera",
  ksampler: "sampler", checkpoint: "load model", unet: "model", clip: "text encode", controlnet: "condition", vhs: "video", combine: "save join",
};

const LONGEST = Math.max(...Object.keys(WORDS).map((word) => word.length));
const CHINESE = /[\u3400-\u9fff]/;

/** One thing that is looked for: any of these words answers it. */
export type Wanted = readonly string[];

/**
 * What a query asks for. Words are parted by spaces; Chinese is parted into the longest known words (保存视频 is 保存 and
 * 视频), and what is not known stays as it is.
 */
export function wantedBy(query: string): readonly Wanted[] {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .flatMap((term) => (CHINESE.test(term) ? partsOf(term) : [term]))
    .map((term) => [term, ...(WORDS[term]?.split(" ") ?? [])]);
}

function partsOf(term: string): string[] {
  const parts: string[] = [];
  let unknown = "";
  let at = 0;
  while (at < term.length) {
    const word = longestAt(term, at);
    if (word === undefined) {
      unknown += term[at] ?? "";
      at += 1;
      continue;
    }
    if (unknown) parts.push(unknown);
    unknown = "";
    parts.push(word);
    at += word.length;
  }
  return unknown ? [...parts, unknown] : parts;
}

function longestAt(term: string, at: number): string | undefined {
  for (let length = Math.min(LONGEST, term.length - at); length > 0; length -= 1) {
    const word = term.slice(at, at + length);
    if (word in WORDS) return word;
  }
  return undefined;
}
