/** 内置节点与类别的中文名称；按节点类型查找。 */
export const nodeNames: Readonly<Record<string, string>> = {
  AddNoise: "添加噪声", Aggregate: "汇总", And: "与", ApplyLoRA: "应用 LoRA", Approve: "人工确认", Blend: "混合", Boolean: "是或否",
  ChangeCase: "大小写转换", Clamp: "限制范围", Color: "颜色", Compare: "比较", ComputeOptions: "计算选项", ControlVideo: "控制视频", ClipSheet: "片段总览", ContactSheet: "缩略图总览", Crop: "裁剪",
  DatasetClip: "数据集片段", DecodeOptions: "解码选项", DenoisingSteps: "去噪步骤", DiTSampler: "DiT 采样器",
  DiTSamplerSteps: "DiT 采样器（前几步）", Distil: "蒸馏", EncodeDataset: "编码数据集", Evaluate: "评测", Float: "数值",
  ForLoop: "计数循环", ForcingOptions: "扩散强制选项", FormatText: "格式化文本", ForwardDiffusion: "前向扩散", FramesInfo: "帧信息", Gate: "闸门", GetItem: "取一项",
  Grid: "网格拼图", GuidanceOptions: "引导选项", If: "条件选择", Inspect: "检视", Int: "整数", JoinFrames: "拼接帧", JoinLists: "合并列表",
  JoinText: "连接文本", KeepRegion: "保留区域", KnownFrames: "已知帧", LatentInfo: "潜变量信息", ListLength: "列表长度",
  LoadImage: "载入图片", LoadLoRA: "载入 LoRA", LoadModel: "载入模型", LoadModelFiles: "从文件载入模型",
  LoadVideo: "载入视频", LongVideo: "长视频", LoopFrames: "循环帧",
  MakeList: "组成列表", MapRange: "映射范围", Math: "数学运算", MathExpression: "数学表达式", MergeFrames: "合成帧", NoiseLatent: "噪声潜变量",
  Not: "非", NovelClips: "新片段检验", Note: "便签", Or: "或", Preview: "预览", PromptSchedule: "提示词日程", RandomLine: "随机一行", RandomNumber: "随机数",
  Range: "数列", RegionMask: "区域遮罩", RenderedWorld: "渲染世界", Repeat: "重复", ReplaceText: "替换文本", Reroute: "转接点", Resize: "缩放",
  ReverseFrames: "倒放", ReverseList: "反转列表", Round: "取整", SaveImage: "保存图片", SaveModel: "保存模型", SaveVideo: "保存视频",
  Seed: "种子", SelectFrames: "选取帧", SetFps: "设定帧率", ShowTokens: "显示词元", ShuffleList: "打乱列表", Size: "尺寸",
  SliceList: "截取列表", SplitFrames: "拆分帧", SplitLatent: "拆分潜变量", SplitText: "拆分文本", Spread: "展开", StepCache: "步间缓存",
  StockPipeline: "任意 Diffusers 管线",
  Subgraph: "子图", Switch: "切换", Text: "文本", TextContains: "文本包含", TextEncode: "文本编码", TextLength: "文本长度",
  TimeWarp: "时间变速", ToNumber: "转为数值", ToText: "转为文本", TrainDiT: "训练 DiT", TrainLoRA: "训练 LoRA", TrainUpscaler: "训练放大网络", TrainVAE: "训练 VAE",
  TrainedParts: "使用训练所得权重", UpscaleVideo: "放大视频", VAEDecode: "VAE 解码", VAEEncode: "VAE 编码", VideoFolder: "视频文件夹",
  WhileLoop: "条件循环", WordAttention: "词语注意力",
};

/** 类别的每一段。 */
export const categoryNames: Readonly<Record<string, string>> = {
  conditioning: "条件", "diffusion views": "扩散过程", files: "文件", image: "图片", latent: "潜变量", lists: "列表", loading: "载入",
  logic: "逻辑", loops: "循环", math: "数学", picture: "画面", sampling: "采样", text: "文本", time: "时间", training: "训练",
  utilities: "工具", values: "取值", video: "视频",
};
