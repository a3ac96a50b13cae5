"""A pydantic model as a form, and a form's answers as an instance of the model.

    class Booking(BaseModel):
        guests: Annotated[int, Ask(prompt="For how many people?"), Field(ge=1, le=12)]
        day: Annotated[date, Ask(prompt="For which day?", min="today")]
        note: Annotated[str | None, Ask(prompt="Anything we should know?")] = None

    form = from_model(Booking, form="booking", title="Table booking")
    booking = answers_to(Booking, state.form_answers)

The model's own words are used where pydantic has them: the type, `title` (the label),
`description` and `examples` (the help), `ge`, `le`, `min_length`, `max_length`, `pattern` and
`default`. `Ask`, or `json_schema_extra={"turnkeeper": {...}}` with the same keys, says the rest
and wins over them. A field that may be None, or has a default, is not required; a field with a
`when` may stay unanswered, so it must be one of these (`Ask(required=True)` still has it asked
until it is answered, while the condition holds).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Literal, TypedDict, TypeVar, Union, Unpack, get_args, get_origin

from pydantic import BaseModel, EmailStr, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from turnkeeper.errors import InvalidInput
from turnkeeper.forms.compiling import compile_form
from turnkeeper.forms.mistakes import Place, Report
from turnkeeper.forms.model import AgainPolicy, ConfirmPolicy, FieldType, Form, Scalar
from turnkeeper.forms.nodes import Data, to_node

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """How a model's field is asked; each word as in a YAML form. None leaves it to the model."""

    prompt: str | tuple[str, ...] | list[str] | None = None
    type: FieldType | None = None
    label: str | None = None
    help: str | None = None
    required: bool | None = None
    when: str | None = None
    choices: Mapping[str, list[str]] | list[str] | None = None
    min: Scalar | None = None
    max: Scalar | None = None
    whole: bool | None = None
    length: int | tuple[int, int] | None = None
    pattern: str | None = None
    confirm: ConfirmPolicy | None = None
    personal: bool | None = None
    secret: bool | None = None


class FormOptions(TypedDict, total=False):
    """What a form has besides its id and its fields; durations as in YAML, such as `7d`."""

    version: str
    title: str
    language: str
    region: str
    timezone: str
    greeting: str
    welcome_back: str
    goodbye: str
    confirm: bool
    deliver: str | Mapping[str, str]
    stale: str | Mapping[str, str]
    resume: str | list[str] | Mapping[str, str | int | list[str]]
    hand_off: str
    abandon_after: str
    expire_after: str
    keep_for: str
    again: AgainPolicy
    migrates_from: str | list[str]


def from_model(model: type[BaseModel], *, form: str, **options: Unpack[FormOptions]) -> Form:
    """The form that asks for the model's fields, in their order.

    Raises `FormError` with every mistake; each names the model and the field.
    """
    place = Place(f"{model.__module__}.{model.__qualname__}")
    asked = [_field(name, info) for name, info in model.model_fields.items()]
    settings = {key: _plain(option) for key, option in options.items()}
    compiled = compile_form(to_node({"form": form, **settings, "fields": asked}, place))
    _check_optional(model, compiled, place)
    return compiled


def _check_optional(model: type[BaseModel], form: Form, place: Place) -> None:
    """A field with a condition may stay unanswered, so the model must bear its absence."""
    report = Report()
    for field in form.fields:
        if field.when and not _may_stay_open(model.model_fields[field.name]):
            what = 'it has a "when", so it may stay unanswered; let it be None in the model'
            report.within(f'field "{field.name}"').add(place, what)
    report.raise_if_any()


def answers_to(model: type[M], answers: Mapping[str, Scalar]) -> M:
    """The model's instance that a form's answers say; fields that were not asked are None.

    Raises `InvalidInput`, naming fields and never answers, when the model refuses them.
    """
    values: dict[str, object] = {}
    for name, info in model.model_fields.items():
        if name in answers:
            values[name] = _original(info, answers[name])
        elif info.is_required():
            values[name] = None
    try:
        return model.model_validate(values, by_name=True)
    except ValidationError as error:
        raise InvalidInput(f"the answers are no {model.__name__}: {_reasons(error)}") from None


def _reasons(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc']))} ({e['type']})" for e in error.errors())


# --- one field ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shape:
    """An annotation without its wrappers: the bare type, whether None is one of it, and all that
    `Annotated` adds."""

    bare: object
    optional: bool
    metadata: tuple[object, ...]


def _shape(info: FieldInfo) -> _Shape:
    bare: object = info.annotation
    optional, metadata = False, list[object](info.metadata)
    while True:
        if get_origin(bare) is Annotated:
            bare, *more = get_args(bare)
            metadata += [
                *more,
                *(part for outer in more for part in getattr(outer, "metadata", ())),
            ]
        elif get_origin(bare) in (Union, UnionType) and len(_not_none(bare)) == 1:
            bare, optional = _not_none(bare)[0], True
        else:
            return _Shape(bare, optional, tuple(metadata))


def _not_none(union: object) -> list[object]:
    return [part for part in get_args(union) if part is not NoneType]


def _field(name: str, info: FieldInfo) -> dict[str, Data]:
    """The field as a YAML form would say it."""
    shape = _shape(info)
    field: dict[str, Data] = {"name": name, **_typed(shape.bare), **_texts(info)}
    if _may_stay_open(info):
        field["required"] = False
    if (default := _data(info.default)) is not None:
        field["default"] = default
    field |= _asked(info, shape)
    return {**_limits(shape.metadata, field.get("type")), **field}


def _may_stay_open(info: FieldInfo) -> bool:
    return _shape(info).optional or not info.is_required()


_TYPES: tuple[tuple[type, FieldType], ...] = (
    (bool, "boolean"),
    (int, "number"),
    (float, "number"),
    (Decimal, "number"),
    (EmailStr, "email"),
    (str, "text"),
    (SecretStr, "text"),
    (time, "time"),
    (date, "date"),
)
"""The field types that Python's types stand for; the first that fits counts. A datetime is two
questions, so it is none."""


_MORE: dict[object, dict[str, Data]] = {SecretStr: {"secret": True}, int: {"whole": True}}
"""What else Python's types say of a field."""


def _typed(bare: object) -> dict[str, Data]:
    """The type, with choices and secrecy where it has them; an unknown type by its own name, which
    the rules then refuse."""
    if options := _options(bare):
        return {"type": "choice", "choices": [str(_data(option)) for option in options]}
    known = [kind for python, kind in _TYPES if isinstance(bare, type) and issubclass(bare, python)]
    if not known or bare is datetime:
        return {"type": bare.__name__ if isinstance(bare, type) else str(bare)}
    return {"type": known[0], **_MORE.get(bare, {})}


def _options(bare: object) -> tuple[object, ...]:
    if get_origin(bare) is Literal:
        return get_args(bare)
    return tuple(bare) if isinstance(bare, type) and issubclass(bare, Enum) else ()


def _data(value: object) -> Scalar | None:
    """A Python value in normal form; None for what is no value of a field."""
    match value:
        case Enum():
            return _data(value.value)
        case bool() | int() | float() | str():
            return value
        case time():
            return value.strftime("%H:%M")
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
    return None


def _texts(info: FieldInfo) -> dict[str, Data]:
    examples = [str(example) for example in info.examples or ()]
    shown = f"For example, {' or '.join(examples)}." if examples else ""
    help_text = " ".join(part for part in (info.description, shown) if part)
    found = {"label": info.title, "help": help_text}
    return {key: text for key, text in found.items() if text}


def _asked(info: FieldInfo, shape: _Shape) -> dict[str, Data]:
    """What `Ask`, or the field's `json_schema_extra`, says."""
    extra = info.json_schema_extra
    found: dict[str, Data] = {}
    if isinstance(extra, dict) and isinstance(told := extra.get("turnkeeper"), dict):
        found |= {key: _plain(value) for key, value in told.items()}
    for ask in (part for part in shape.metadata if isinstance(part, Ask)):
        found |= {f.name: _plain(getattr(ask, f.name)) for f in fields(ask)}
    return {key: value for key, value in found.items() if value is not None}


def _plain(value: object) -> Data:
    """What is written in a model's annotations, as plain data."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return _data(value)


def _limits(metadata: tuple[object, ...], kind: Data) -> dict[str, Data]:
    """Pydantic's bounds as the form's: `ge` and `le` are `min` and `max`; lengths are these too
    where text is counted, and `length` for digits. Others are left to the model."""
    found = {
        key: limit
        for part in metadata
        for key in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
        if (limit := getattr(part, key, None)) is not None and not isinstance(part, Ask)
    }
    for key, step in (("gt", 1), ("lt", -1)):
        if isinstance(limit := found.pop(key, None), int):
            found[{"gt": "ge", "lt": "le"}[key]] = limit + step
    shortest, longest = found.pop("min_length", None), found.pop("max_length", None)
    limits = {"min": found.get("ge"), "max": found.get("le"), "pattern": found.get("pattern")}
    if kind in ("text", "name"):
        limits |= {"min": shortest, "max": longest}
    elif kind == "digits" and longest is not None:
        limits["length"] = longest if shortest == longest else [shortest or 1, longest]
    return {key: _plain(limit) for key, limit in limits.items() if limit is not None}


def _original(info: FieldInfo, value: Scalar) -> object:
    """The model's own value for a choice's text (`Literal[1, 2]`, an Enum of numbers)."""
    same = [option for option in _options(_shape(info).bare) if str(_data(option)) == value]
    return same[0] if same else value
