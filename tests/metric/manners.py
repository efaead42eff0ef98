"""Right answers, written as models write them: one function a manner, `(answer, question, task) → text`.

`answer` is the object that the specification asks for, `question` the parsed instruction. None says that the manner
does not apply. What is read of the text must be what the object states, or, for `UNREADABLE`, nothing at all.
"""

import json
import re
import zlib

LABEL_FIELD = {"ner": "label", "re": "relation", "spo": "predicate"}


def dumps(value, **options):
    return json.dumps(value, ensure_ascii=False, **options)


def requoted(text, opening, closing):
    """JSON with other quotation marks around its strings."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda match: opening + match.group(1) + closing, text)


def outside(text, table):
    """JSON with other characters outside its strings."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    return "".join(part if part.startswith('"') else part.translate(table) for part in parts)


def labels_of(question):
    return [entry if isinstance(entry, str) else next(iter(entry.values())) for entry in question["schema"]]


def asked(question):
    keys = ("event_type", "predicate", "entity_type")
    return [e if isinstance(e, str) else next(e[key] for key in keys if key in e) for e in question["schema"]]


def unquoted_keys(text):
    return re.sub(r'"([^\W\d][\w /.-]*)"(?=:)', r"\1", text)


def flat(answer, task, text="text", label="label"):
    """A list of parts that name their label themselves."""
    parts = []
    for kind, value in answer.items():
        if task == "ner":
            parts += [{text: mention, label: kind} for mention in value]
        elif task == "eet":
            parts += [{"event_type": kind, "trigger": trigger} for trigger in value]
        elif task in ("re", "spo"):
            parts += [{"subject": pair["subject"], LABEL_FIELD[task]: kind, "object": pair["object"]} for pair in value]
        elif task == "ee":
            parts += [{"event_type": kind, **event} for event in value]
        elif task == "eea":
            parts += [{"event_type": kind, "arguments": roles} for roles in value]
        else:
            parts += [
                {"head": head, "head_type": kind, "relation": name, "tail": tail}
                for head, attributes in value.items()
                for name, tails in attributes.items()
                for tail in (tails if isinstance(tails, list) else [tails])
            ]
    return parts


def draft(answer):
    """Another answer to the same question."""
    return {label: {} if isinstance(value, dict) else [] for label, value in answer.items()}


def swapped(answer):
    """A wrong draft: what is found stands under the next label."""
    labels = list(answer)
    return {label: answer[other] for label, other in zip(labels, labels[1:] + labels[:1])}


def with_nothing(word):
    def written(answer, question, task):
        def replaced(value, is_label=False):
            if isinstance(value, dict):
                return {key: replaced(part) for key, part in value.items()}
            if isinstance(value, list):
                return [replaced(part) for part in value] if value or not is_label else word
            return value if value != "NAN" or task == "eet" else word

        if task == "ner":
            return dumps({label: value or word for label, value in answer.items()})
        return dumps({label: replaced(value) if value else word for label, value in answer.items()})

    return written


def role_list(answer, question, task):
    """Arguments as a list of {"role", "argument"}."""
    if task != "ee":
        return None
    return dumps(
        {
            label: [
                {
                    "trigger": event["trigger"],
                    "arguments": [
                        {"role": role, "argument": text}
                        for role, value in event["arguments"].items()
                        for text in (value if isinstance(value, list) else [value])
                        if text != "NAN"
                    ],
                }
                for event in value
            ]
            for label, value in answer.items()
        }
    )


def beside_trigger(answer, question, task):
    if task != "ee" or any("trigger" in event["arguments"] for events in answer.values() for event in events):
        return None
    return dumps(
        {
            label: [{"trigger": event["trigger"], **event["arguments"]} for event in value]
            for label, value in answer.items()
        }
    )


def commented(answer, question, task):
    lines = dumps(answer, indent=2).split("\n")
    return "\n".join(line + ("  // as in the text" if line.endswith(("[", ",")) else "") for line in lines)


def lost_quote(answer, question, task):
    """A quotation mark between two strings is missing, so that they run into each other."""
    text = dumps(answer)
    places = [match.start() + 1 for match in re.finditer(r'[^\\]", "', text)]
    if not places:
        return None
    place = places[zlib.crc32(text.encode()) % len(places)]
    return text[:place] + text[place + 1 :]


def lost_comma(answer, question, task):
    text = dumps(answer)
    return text.replace('", "', '" "', 1) if '", "' in text else None


def cut_thought(answer, question, task):
    return f"<think>The schema is {dumps(draft(answer))}. So {dumps(swapped(answer))}, or rather {dumps(answer)}"


def tool_call(arguments):
    return lambda answer, question, task: dumps({"name": "extract", "arguments": arguments(answer)})


_FULL_WIDTH = str.maketrans("{}[],:", "｛｝［］，：")

MANNERS = {
    "plain": lambda answer, question, task: dumps(answer),
    "indented": lambda answer, question, task: dumps(answer, indent=2),
    "Python dict": lambda answer, question, task: repr(answer),
    "single quotes around everything": lambda answer, question, task: requoted(dumps(answer), "'", "'"),
    "unquoted keys": lambda answer, question, task: unquoted_keys(dumps(answer)),
    "curly quotes": lambda answer, question, task: requoted(dumps(answer), "“", "”"),
    "full-width quotes": lambda answer, question, task: requoted(dumps(answer), "＂", "＂"),
    "full-width colons and commas": lambda answer, question, task: outside(dumps(answer), str.maketrans(",:", "，：")),
    "enumeration commas": lambda answer, question, task: outside(dumps(answer), str.maketrans(",", "、")),
    "full-width everything": lambda answer, question, task: requoted(outside(dumps(answer), _FULL_WIDTH), "“", "”"),
    "comments": commented,
    "trailing commas": lambda answer, question, task: re.sub(r'(["\]}])(\n\s*[\]}])', r"\1,\2", dumps(answer, indent=1)),
    "fenced": lambda answer, question, task: f"```json\n{dumps(answer, indent=2)}\n```",
    "fenced Python with prose": lambda answer, question, task: (
        f"Sure, here [as asked] it is:\n\n```python\nresult = {answer!r}\n```\n\nLet me know if {{more}} is needed."
    ),
    "prose around it": lambda answer, question, task: f"The answer is: {dumps(answer)} I hope this helps [1].",
    "wrapped: entities": lambda answer, question, task: dumps({"entities": answer}),
    "wrapped: result": lambda answer, question, task: dumps({"status": "ok", "result": answer}),
    "wrapped: any key": lambda answer, question, task: dumps({"Extracted information": answer, "notes": "none"}),
    "tool call": tool_call(lambda answer: answer),
    "tool call, arguments as string": tool_call(dumps),
    "tool call, as servers put it": lambda answer, question, task: dumps(
        [{"id": "1", "type": "function", "function": {"name": "extract", "arguments": dumps(answer)}}]
    ),
    "tool call in tags": lambda answer, question, task: (
        f"<tool_call>\n{tool_call(lambda answer: answer)(answer, question, task)}\n</tool_call>"
    ),
    "flat list": lambda answer, question, task: dumps(flat(answer, task)),
    "flat list: entity, type": lambda answer, question, task: (
        dumps(flat(answer, task, "entity", "type")) if task == "ner" else None
    ),
    "flat list: mention, label": lambda answer, question, task: (
        dumps({"entities": flat(answer, task, "mention", "label")}) if task == "ner" else None
    ),
    "flat list, as Python": lambda answer, question, task: f"```\n{flat(answer, task)!r}\n```",
    "flat, one object a line": lambda answer, question, task: "\n".join(map(dumps, flat(answer, task))) or None,
    "pairs": lambda answer, question, task: (
        dumps([[mention, label] for label, mentions in answer.items() for mention in mentions])
        if task == "ner" and not any(mention in asked(question) for value in answer.values() for mention in value)
        else None
    ),
    "triples": lambda answer, question, task: (
        dumps([[pair["subject"], label, pair["object"]] for label, pairs in answer.items() for pair in pairs])
        if task == "re" else None
    ),
    "arguments as a list": role_list,
    "roles beside the trigger": beside_trigger,
    "list of objects": lambda answer, question, task: dumps([{label: value} for label, value in answer.items()]),
    "one object a line": lambda answer, question, task: "\n".join(dumps({a: b}) for a, b in answer.items()),
    "draft, then the answer": lambda answer, question, task: (
        f"First idea: {dumps(swapped(answer))}. No, wait.\n\nFinal answer: {dumps(answer)}"
    ),
    "empty object, then the answer": lambda answer, question, task: f"{dumps(draft(answer))}\n{dumps(answer)}",
    "question first": lambda answer, question, task: f"{dumps(question)}\n\n{dumps(answer)}",
    "schema first": lambda answer, question, task: f"Schema: {dumps(question['schema'])}\nAnswer: {dumps(answer)}",
    "schema and answer in one object": lambda answer, question, task: dumps({**question, "output": answer}),
    "reasoning beside it": lambda answer, question, task: dumps({"reasoning": "There are some.", **answer}),
    "None": with_nothing("None"),
    "N/A": with_nothing("N/A"),
    "无": with_nothing("无"),
    "null": with_nothing(None),
    "None in lists": lambda answer, question, task: (
        dumps({label: value or ["None"] for label, value in answer.items()}) if task != "kg" else None
    ),
    "thought": lambda answer, question, task: f"<think>{dumps(swapped(answer))}?</think>\n\n{dumps(answer)}",
    "thought without its opening": lambda answer, question, task: (
        f"Perhaps {dumps(swapped(answer))}? No.\n</think>\n\n{dumps(answer)}"
    ),
    "thought, not first": lambda answer, question, task: (
        f"Let me see.\n<think>{dumps(swapped(answer))}?</think>\n```json\n{dumps(answer)}\n```"
    ),
    "thought after it": lambda answer, question, task: f"{dumps(answer)}\n<think>{dumps(swapped(answer))}?</think>",
    "thoughts in thoughts": lambda answer, question, task: (
        f"<think>a <think>{dumps(swapped(answer))}</think> b </think>{dumps(answer)}"
    ),
    "two thoughts": lambda answer, question, task: (
        f"<think>{dumps(swapped(answer))}</think><think>{dumps(draft(answer))}</think>{dumps(answer)}"
    ),
    "<thinking>": lambda answer, question, task: f"<thinking>{dumps(swapped(answer))}</thinking>{dumps(answer)}",
    "channels": lambda answer, question, task: (
        f"<|channel|>analysis<|message|>Maybe {dumps(swapped(answer))}<|end|><|start|>assistant"
        f"<|channel|>final<|message|>{dumps(answer)}<|return|>"
    ),
    "channels, marks not shown": lambda answer, question, task: (
        f"analysisMaybe {dumps(swapped(answer))}assistantfinal{dumps(answer)}"
    ),
    "missing comma": lost_comma,
    "missing quotation mark": lost_quote,
    "missing apostrophe": lambda answer, question, task: (
        repr(answer).replace("', '", ", '", 1) if "', '" in repr(answer) and '"' not in repr(answer) else None
    ),
    "thought cut off": cut_thought,
}  # fmt: skip

UNREADABLE = {"missing quotation mark", "missing apostrophe", "thought cut off"}
"""Manners of which nothing can be read."""
