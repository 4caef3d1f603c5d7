"""What the interviewer says, in English and Chinese. Keys are the same in both (tested)."""

LANGUAGES = ("en", "zh")

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "welcome": "Mock interview, {minutes} minutes: {questions}. Answer as you would in the room.",
        "one_question": "1 question",
        "questions": "{n} questions",
        "how_to": "Type an answer and end it with an empty line; or speak it aloud and just press Enter. :skip goes on "
        "to the next question, :pause keeps everything for later, :quit ends and scores.",
        "resumed": "Going on where you stopped: {clock} on the clock.",
        "question": "Question {k} of {n}: {topic} ({level})",
        "easy": "easy",
        "medium": "medium",
        "hard": "hard",
        "answer": "Your answer",
        "spoken": "(spoken)",
        "follow_up": "Follow-up, level {level} of 5",
        "good_answer": "A good answer says",
        "mark": "How was yours? [g]ood, [p]artly, [m]issed",
        "mark_again": "Please answer g, p or m.",
        "rubric": "What an interviewer listens for",
        "must": "must",
        "should": "should",
        "bonus": "bonus",
        "seen": "  ← seen in your text",
        "points": "Which points did you make? Their numbers, 0 for none; Enter takes those seen ({seen})",
        "none": "none",
        "points_again": "Please give numbers from 1 to {n}, with spaces between them, or 0.",
        "missed": "Not said, and it belonged there",
        "wrong": "Beware of",
        "model": "Model answer",
        "communication": "How clearly did you say it, from 1 (lost) to 5 (crystal clear)?",
        "communication_again": "Please give a number from 1 to 5.",
        "code": "Code {k} of {n}: {exercise} ({level}, about {minutes} minutes)",
        "code_file": "Write your answer into {path}",
        "code_ready": "Press Enter when it is saved",
        "editor_failed": "The editor `{editor}` did not work ({why}).",
        "grading": "Grading in the sandbox …",
        "not_isolated": "This machine has no sandbox; the answer runs in this process.",
        "again": "[a]gain or [d]one?",
        "again_again": "Please answer a or d.",
        "time_up": "Time is up. We stop after this question.",
        "left": "{clock} left",
        "over": "{clock} over",
        "paused": "Paused; everything is kept. `nstkit drill --resume` goes on.",
        "done": "Thank you. {verdict}.",
        "scorecard": "Scorecard",
        "saved": "Your scorecard: {path}",
        "date": "Date",
        "duration": "Time used",
        "overall": "Overall",
        "musts": "Must points made",
        "verdict": "Verdict",
        "concepts": "Concepts",
        "mathematics": "Mathematics",
        "communication_dimension": "Communication",
        "code_dimension": "Code",
        "you_said": "You said",
        "nothing_typed": "(nothing typed)",
        "history": "Your interviews so far",
        "attempts": "Attempts",
        "next_time": "See again",
        "stats_interviews": "interviews: {n}",
        "stats_seen": "questions seen: {seen} of {all}; due now: {due}",
        "stats_due": "due",
        "stats_question": "recall {share}  again {when}",
        "stats_calibration": "calibration: {points} points scored, too kind {kind}, too strict {strict}",
        "rule": "How the verdict is reached is written in docs/drill.md; communication and the points made are your "
        "own marks.",
        "strong hire": "Strong hire",
        "hire": "Hire",
        "lean hire": "Lean hire",
        "lean no hire": "Lean no hire",
        "no hire": "No hire",
        "too_little": "Too little to say: fewer than two questions",
    },
    "zh": {
        "welcome": "模拟面试，{minutes} 分钟，共{questions}。像真的面试那样回答。",
        "one_question": " 1 道题",
        "questions": " {n} 道题",
        "how_to": "输入回答，用空行结束；也可以口头回答，然后直接按回车。"
        ":skip 跳到下一题，:pause 保存进度以后再来，:quit 结束并评分。",
        "resumed": "从上次停下的地方继续，{clock}。",
        "question": "第 {k} 题（共 {n} 题）：{topic}（{level}）",
        "easy": "简单",
        "medium": "中等",
        "hard": "困难",
        "answer": "你的回答",
        "spoken": "（口头回答）",
        "follow_up": "追问，难度 {level}/5",
        "good_answer": "好的回答会说",
        "mark": "你答得怎么样？[g] 好，[p] 一部分，[m] 没答上",
        "mark_again": "请输入 g、p 或 m。",
        "rubric": "面试官在听什么",
        "must": "必须",
        "should": "应该",
        "bonus": "加分",
        "seen": "（你的文字里有）",
        "points": "哪些要点你说到了？输入编号，0 表示都没有；回车采用文字里找到的（{seen}）",
        "none": "无",
        "points_again": "请输入 1 到 {n} 的编号，用空格隔开，或者 0。",
        "missed": "该说却没说的",
        "wrong": "小心这种说法",
        "model": "参考回答",
        "communication": "你讲得有多清楚？从 1（听不懂）到 5（非常清楚）",
        "communication_again": "请输入 1 到 5 的数字。",
        "code": "编程题 {k}（共 {n} 题）：{exercise}（{level}，约 {minutes} 分钟）",
        "code_file": "请把答案写到 {path}",
        "code_ready": "保存之后按回车",
        "editor_failed": "编辑器 `{editor}` 没有成功（{why}）。",
        "grading": "正在沙箱里评分……",
        "not_isolated": "这台机器没有沙箱，答案在本进程里运行。",
        "again": "[a] 再试一次，[d] 完成",
        "again_again": "请输入 a 或 d。",
        "time_up": "时间到。答完这一题就结束。",
        "left": "剩余 {clock}",
        "over": "超时 {clock}",
        "paused": "已暂停，内容都保存好了。用 `nstkit drill --resume` 继续。",
        "done": "谢谢。{verdict}。",
        "scorecard": "评分表",
        "saved": "你的评分表：{path}",
        "date": "日期",
        "duration": "用时",
        "overall": "总分",
        "musts": "说到的必答要点",
        "verdict": "结论",
        "concepts": "概念",
        "mathematics": "数学",
        "communication_dimension": "表达",
        "code_dimension": "编程",
        "you_said": "你的回答",
        "nothing_typed": "（没有输入）",
        "history": "历次面试",
        "attempts": "尝试",
        "next_time": "下次复习",
        "stats_interviews": "面试：{n} 次",
        "stats_seen": "见过的题：{seen}/{all}，现在该复习：{due}",
        "stats_due": "现在",
        "stats_question": "记得的概率 {share}  下次 {when}",
        "stats_calibration": "校准：评过 {points} 个要点，偏宽 {kind} 次，偏严 {strict} 次",
        "rule": "结论的规则写在 docs/drill.md 里；表达和要点由你自己打分。",
        "strong hire": "强烈推荐录用",
        "hire": "推荐录用",
        "lean hire": "倾向录用",
        "lean no hire": "倾向不录用",
        "no hire": "不录用",
        "too_little": "题目太少，还不能下结论（少于两题）",
    },
}


def say(language: str, key: str, **values: object) -> str:
    """A text in a language, with its values filled in."""
    return WORDS[language][key].format(**values)


def labelled(language: str, word: str, text: str) -> str:
    """A word and what it announces: "Verdict: hire", 结论：推荐录用."""
    return f"{word}：{text}" if language == "zh" else f"{word}: {text}"


def gap(language: str) -> str:
    """What stands between two sentences: a space, and in Chinese nothing."""
    return "" if language == "zh" else " "


def bracketed(language: str, text: str) -> str:
    """A text in the brackets of its language."""
    return f"（{text}）" if language == "zh" else f"({text})"


def verdict_words(language: str, verdict: str) -> str:
    """A verdict in words."""
    return say(language, verdict if verdict in WORDS[language] else "too_little")


def clock_words(seconds: float) -> str:
    """Minutes and seconds: 7:05; hours only from 100 minutes on."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02}"
