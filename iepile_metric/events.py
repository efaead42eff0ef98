"""Event answers: {type: [{"trigger", "arguments": {role: text}}]} (EE) and {type: [{role: text}]} (EEA).

An item is a whole event, `(type, trigger, ((role, argument), …))`; EEA sees events without
trigger, so there the trigger is always "". Two measures are counted: event units
`(type, trigger)` (EE only) and argument units `(type, role, argument)`.
"""

from typing import Any

from .mentions import EVENT_KEYS, NOTHING, TRIGGER_KEYS, Reading, Unit, Units, texts, trigger, trigger_of

Event = tuple[str, str, tuple[tuple[str, str], ...]]

ARGUMENT_KEYS = ("arguments", "args", "participants", "论元")
_ROLE_KEYS = ("role", "argument_role", "type", "label", "name", "角色")
_TEXT_KEYS = ("argument", "text", "value", "entity", "mention", "span", "word", "name", "argument_text", "论元")


def _read_roles(label: str, roles: dict[str, Any], units: list[Unit]) -> None:
    for role, value in roles.items():
        if value == "NAN":
            continue
        if value.__class__ is str:
            if value:
                units.append((label, role, value))
        elif value.__class__ is list:
            for text in value:
                if text.__class__ is not str:
                    raise TypeError(role)
                if text and text != "NAN":
                    units.append((label, role, text))
        elif value is not None:
            raise TypeError(role)


def read_events(answer: dict[str, Any]) -> tuple[Units, int]:
    """Read a well-formed EE answer quickly; see `mentions.read_entities`.

    >>> roles = {"place": "NAN", "agent": ["Ada", "Bob"]}
    >>> read_events({"attack": [{"trigger": "fired", "arguments": roles}]})
    (([('attack', 'fired')], [('attack', 'agent', 'Ada'), ('attack', 'agent', 'Bob')]), 5)
    """
    triggers: list[Unit] = []
    arguments: list[Unit] = []
    keys = len(answer)
    for label, events in answer.items():
        if events.__class__ is not list:
            raise TypeError(label)
        for event in events:
            word = event["trigger"]
            roles = event["arguments"]
            keys += len(event) + len(roles)
            if len(event) != 2 or word.__class__ is not str:
                raise TypeError(label)
            triggers.append((label, "" if word == "NAN" else word))
            _read_roles(label, roles, arguments)
    return (triggers, arguments), keys


def read_arguments(answer: dict[str, Any]) -> tuple[Units, int]:
    """Read a well-formed EEA answer quickly; see `mentions.read_entities`.

    >>> read_arguments({"attack": [{"agent": "Ada", "place": "NAN"}]})
    (([('attack', 'agent', 'Ada')],), 3)
    """
    arguments: list[Unit] = []
    keys = len(answer)
    for label, events in answer.items():
        if events.__class__ is not list:
            raise TypeError(label)
        for event in events:
            if "arguments" in event or "trigger" in event or "event_type" in event:
                raise TypeError(label)
            keys += len(event)
            _read_roles(label, event, arguments)
    return (arguments,), keys


def events(answer: dict[str, Any]) -> list[Event]:
    """Read an EE answer of any shape, leaving out what has no plain meaning.

    A bare text is an event of that trigger; roles may stand beside the trigger, and arguments
    may be a list of `{"role", "argument"}`.

    >>> events({"attack": ["fired", {"trigger": None, "arguments": [{"role": "agent", "argument": "Ada"}]}]})
    [('attack', 'fired', ()), ('attack', '', (('agent', 'Ada'),))]
    """
    return [
        (label, word, roles)
        for label, value in answer.items()
        for part in (value if isinstance(value, list) else [value])
        for word, roles in _event(part)
    ]


def events_without_trigger(answer: dict[str, Any]) -> list[Event]:
    """Read an EEA answer of any shape; the nested shape of EE is accepted too.

    >>> nested = {"trigger": "t", "arguments": {"court": "X"}}
    >>> events_without_trigger({"attack": {"agent": "Ada"}, "sue": [nested]})
    [('attack', '', (('agent', 'Ada'),)), ('sue', '', (('court', 'X'),))]
    """
    return [(label, "", roles) for label, _, roles in events(answer) if roles]


def _event(part: Any) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    if isinstance(part, str):
        return [] if part in NOTHING else [(part, ())]
    if not isinstance(part, dict) or not part:
        return []
    word = trigger_of(part)
    word = None if word is part else next(texts(word), None)
    key = next((key for key in ARGUMENT_KEYS if key in part), None)
    roles = {role: value for role, value in part.items() if role not in (*TRIGGER_KEYS, "event_type")}
    if key is not None:
        roles = part[key]
    return [(trigger(word), _roles(roles))]


def _roles(value: Any) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, Any]] = list(value.items()) if isinstance(value, dict) else []
    for part in value if isinstance(value, list) else ():
        if isinstance(part, dict):
            role = next((key for key in _ROLE_KEYS if isinstance(part.get(key), str)), None)
            text = next((key for key in _TEXT_KEYS if key in part and key != role), None)
            if role and text:
                pairs.append((part[role], part[text]))
            elif not role and not text:
                pairs += part.items()
    return tuple((role, text) for role, parts in pairs for text in texts(parts) if text and text not in NOTHING)


def annotated_events(label: list[dict[str, Any]]) -> list[Event]:
    """Turn an annotation `[{"event_trigger", "event_type", "arguments"}]` into items."""
    return [(event["event_type"], trigger(event.get("event_trigger")), _annotated_roles(event)) for event in label]


def annotated_events_without_trigger(label: list[dict[str, Any]]) -> list[Event]:
    """Turn an annotation into items as EEA sees them: without trigger."""
    return [(event["event_type"], "", _annotated_roles(event)) for event in label]


def _annotated_roles(event: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        [
            (argument["role"], text)
            for argument in event.get("arguments") or ()
            if (text := argument["argument"]) and text != "NAN"
        ]
    )


def event_units(items: list[Event]) -> Units:
    """List the event units and the argument units of EE items."""
    return [(label, word) for label, word, _ in items], *argument_units(items)


def argument_units(items: list[Event]) -> Units:
    """List the argument units of items."""
    return ([(label, role, text) for label, _, roles in items for role, text in roles],)


def merged_events(items: list[Event]) -> list[Event]:
    """Merge whole identical events, whatever the order of their arguments.

    An argument that stands twice in one role of one event counts once.

    >>> agent = ("agent", "Ada")
    >>> merged_events([("attack", "fired", (agent,)), ("attack", "fired", (agent, agent))])
    [('attack', 'fired', (('agent', 'Ada'),))]
    """
    if len(items) == 1 and len(set(items[0][2])) == len(items[0][2]):
        return items
    seen: dict[tuple[str, str, frozenset[tuple[str, str]]], Event] = {}
    for event in items:
        label, word, roles = event
        distinct = frozenset(roles)
        if len(distinct) < len(roles):
            event = (label, word, tuple(dict.fromkeys(roles)))
        seen.setdefault((label, word, distinct), event)
    return list(seen.values())


EVENTS = Reading(read_events, events, annotated_events, merged_events, event_units, EVENT_KEYS)
ARGUMENTS = Reading(
    read_arguments, events_without_trigger, annotated_events_without_trigger, merged_events, argument_units, EVENT_KEYS
)
