"""Chinese sentences for clips, written without spaces as people type them; the lexicon tells the words apart."""

from __future__ import annotations

import numpy as np

from nodes.training.world.specs import ClipSpec, ObjectSpec

SHAPE_WORDS = {
    "circle": ["圆形", "球", "球", "圆球", "小球", "圆"],
    "square": ["方块", "正方形", "方形"],
    "triangle": ["三角形", "三角"],
    "star": ["星星", "五角星"],
    "ring": ["圆环", "环", "甜甜圈"],
    "heart": ["爱心", "心形", "心"],
    "cross": ["十字", "十字形", "加号"],
}
COLOUR_WORDS = {
    "red": ["红色", "红"],
    "orange": ["橙色", "橘色", "橙"],
    "yellow": ["黄色", "黄", "金色"],
    "green": ["绿色", "绿"],
    "cyan": ["青色", "青", "青绿色"],
    "blue": ["蓝色", "蓝"],
    "purple": ["紫色", "紫"],
    "pink": ["粉色", "粉红色", "粉"],
    "white": ["白色", "白"],
}
NOVEL_WORDS = {"moon": ["月亮"], "arrow": ["箭头"], "brown": ["棕色"]}
"""Of shapes and colours that Mini is never taught; no words of its vocabulary."""
SIZE_WORDS = {"small": ["小", "很小"], "large": ["大", "巨大", "很大"]}
SPEED_WORDS = {"slow": ["缓慢", "慢慢"], "fast": ["快速", "飞快"]}
MOTION_WORDS = {
    "left": ["向左移动", "向左飞", "往左移动", "从右向左移动", "向左滚动"],
    "right": ["向右移动", "向右飞", "往右移动", "从左向右移动", "向右滚动"],
    "up": ["向上移动", "上升", "往上移动", "向上飞", "升起"],
    "down": ["向下移动", "下降", "往下移动", "落下", "下落"],
    "upleft": ["向左上移动", "向左上方移动", "往左上飞"],
    "upright": ["向右上移动", "向右上方移动", "往右上飞"],
    "downleft": ["向左下移动", "向左下方移动", "往左下飞"],
    "downright": ["向右下移动", "向右下方移动", "往右下飞"],
    "bounce": ["上下弹跳", "弹跳", "跳动", "跳跃"],
    "spin": ["旋转", "转动", "自转"],
    "grow": ["变大", "增大", "放大"],
    "shrink": ["变小", "缩小"],
    "orbit": ["绕圈", "转圈", "绕圈移动"],
    "still": ["静止", "静止不动", "不动"],
}
RETURN_WORDS = {
    "returnleft": ["向左离开又回来", "从左边离开又回来", "向左离开画面再回来", "向左消失又回来"],
    "returnright": ["向右离开又回来", "从右边离开又回来", "向右离开画面再回来", "向右消失又回来"],
}
"""Motions that joined later; see `english.RETURN_WORDS`."""
BACKGROUND_WORDS = {
    "black": ["黑色背景", "黑背景"],
    "white": ["白色背景", "白背景"],
    "gray": ["灰色背景", "灰背景"],
    "night": ["星空", "夜空", "太空"],
    "meadow": ["草地", "草原", "绿色草地"],
    "sunset": ["日落", "夕阳", "晚霞"],
    "ocean": ["海面", "大海", "海洋"],
    "desert": ["沙漠", "沙丘"],
}
CAMERA_WORDS = {
    "panleft": ["镜头左移", "镜头向左移动"],
    "panright": ["镜头右移", "镜头向右移动"],
    "zoomin": ["镜头拉近", "镜头推进"],
    "zoomout": ["镜头拉远"],
}
PLACE_WORDS = {
    "side by side": [["左边", "左侧"], ["右边", "右侧"]],
    "one above the other": [["上面", "上方"], ["下面", "下方"]],
}
LEXICON = [
    *[
        "一个",
        "一颗",
        "的",
        "地",
        "在",
        "上",
        "中",
        "里",
        "下",
        "和",
        "与",
        "有",
        "背景",
        "是",
        "着",
        "正在",
        "前",
        "正",
        "视频",
    ],
    *[
        "向左",
        "向右",
        "向上",
        "向下",
        "往左",
        "往右",
        "往上",
        "往下",
        "左上",
        "右上",
        "左下",
        "右下",
        "左上方",
        "右上方",
    ],
    *["左下方", "右下方", "移动", "飞", "滚动", "从右", "从左", "镜头", "绿色", "左移", "右移"],
]
"""Further words; phrases of the lists above that are not whole words themselves are made of these."""
WHOLE_PHRASES = ("BACKGROUND", "SHAPE", "COLOUR", "SIZE", "SPEED")


def lexicon() -> list[str]:
    """All Chinese words. Motion phrases such as 向左移动 are two words; backgrounds such as 白色背景 are one."""
    words = set(LEXICON)
    for table in (SHAPE_WORDS, COLOUR_WORDS, SIZE_WORDS, SPEED_WORDS, BACKGROUND_WORDS):
        for phrases in table.values():
            words.update(phrases)
    for pairs in PLACE_WORDS.values():
        for phrases in pairs:
            words.update(phrases)
    for motion in ("up", "down", "bounce", "spin", "grow", "shrink", "orbit", "still"):
        words.update(p for p in MOTION_WORDS[motion] if not p.endswith("移动") and "飞" not in p)
    words.update(["拉近", "拉远", "推进"])
    words.discard("绿色草地")
    return sorted(words)


def sentence(spec: ClipSpec, rng: np.random.Generator, leave_out: float = 0.0) -> str:
    """A random Chinese sentence. With chance `leave_out` each, background, colour or motion goes untold."""
    if spec.layout == "behind":
        subjects = _behind(spec, rng, leave_out)
    else:
        joint = _choose(rng, ["和", "，", "与"])
        subjects = joint.join(_clause(spec, i, rng, leave_out) for i in range(len(spec.objects)))
    background = _choose(rng, BACKGROUND_WORDS[spec.background])
    forms = [
        f"{background}{_choose(rng, ['上', '中', '里', '下', '前'])}{_choose(rng, ['', '，', '有'])}{subjects}",
        f"{subjects}，{background}",
        f"{subjects}，背景是{background}",
        f"{background}，{subjects}",
    ]
    if len(spec.objects) == 1 and rng.random() < 0.4:
        place = f"在{background}{_choose(rng, ['上', '中', '里', '下', '前'])}"
        forms = [_clause(spec, 0, rng, leave_out, place)]
    text = subjects if rng.random() < leave_out else _choose(rng, forms)
    if spec.camera != "static":
        text += "，" + _choose(rng, CAMERA_WORDS[spec.camera])
    return text


def _behind(spec: ClipSpec, rng: np.random.Generator, leave_out: float) -> str:
    """The first object moving behind the second."""
    one, other = (_noun(subject, rng, leave_out) for subject in spec.objects)
    motion = _choose(rng, MOTION_WORDS[spec.objects[0].motion])
    return _choose(rng, [f"{one}{motion}，从{other}后面经过", f"{one}从{other}后面{motion}"])


def _clause(spec: ClipSpec, index: int, rng: np.random.Generator, leave_out: float, place: str = "") -> str:
    """One object with its place among two, where it is, and its motion."""
    subject = spec.objects[index]
    side = ""
    if spec.layout in PLACE_WORDS and rng.random() < 0.7:
        side = _choose(rng, PLACE_WORDS[spec.layout][index])
    noun = _noun(subject, rng, leave_out)
    if rng.random() < (0.5 if spec.camera != "static" else leave_out):
        return f"{side}{noun}{place}"
    speed = ""
    if subject.speed != "normal":
        speed = _choose(rng, SPEED_WORDS[subject.speed]) + _choose(rng, ["", "地"])
    return f"{side}{noun}{place}{speed}{_choose(rng, (MOTION_WORDS | RETURN_WORDS)[subject.motion])}"


def _noun(subject: ObjectSpec, rng: np.random.Generator, leave_out: float) -> str:
    size = "" if subject.size == "medium" else _choose(rng, SIZE_WORDS[subject.size])
    if size and len(size) > 1:
        size += "的"
    colour = "" if rng.random() < leave_out else _choose(rng, (COLOUR_WORDS | NOVEL_WORDS)[subject.colour])
    if len(colour) > 1:
        colour += _choose(rng, ["", "的", "的"])
    shape = _choose(rng, (SHAPE_WORDS | NOVEL_WORDS)[subject.shape])
    return f"{_choose(rng, ['一个', '一个', '一颗', ''])}{size}{colour}{shape}"


def _choose(rng: np.random.Generator, items: list[str]) -> str:
    return items[int(rng.integers(len(items)))]
