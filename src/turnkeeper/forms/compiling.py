"""Nodes to a `Form`: the keys are read, then every rule looks at the whole.

Both roads to a form, YAML and a pydantic model, end here, so that they keep the same rules.
"""

from turnkeeper.forms.drafts import FieldDraft, FormDraft
from turnkeeper.forms.keys import FIELD_KEYS, FORM_KEYS, read_mapping
from turnkeeper.forms.mistakes import Report
from turnkeeper.forms.model import Field, FieldType, Form
from turnkeeper.forms.nodes import Node
from turnkeeper.forms.rules import check
from turnkeeper.forms.typed import LIMITS, typed_value


def compile_form(root: Node) -> Form:
    """The form that the nodes say. Raises `FormError` with every mistake, in their order."""
    report = Report()
    data = read_mapping(root, FORM_KEYS, report)
    if root.kind == "mapping":
        nodes = _mappings(data.pop("fields", ()), report)
        drafts = tuple(_draft(node, index, report) for index, node in enumerate(nodes))
        fields = tuple(draft.field for draft in drafts)
        form = Form.model_validate({"form": "", **data, "fields": fields})
        check(FormDraft(root, report, form, drafts))
    report.raise_if_any()
    return form


def _mappings(items: object, report: Report) -> list[Node]:
    """The nodes that can be fields; the others are reported."""
    nodes = items if isinstance(items, tuple) else ()
    for node in nodes:
        if node.kind != "mapping":
            report.add(node.place, 'a field is a mapping: begin it with "- name:"')
    return [node for node in nodes if node.kind == "mapping"]


def _draft(node: Node, index: int, report: Report) -> FieldDraft:
    """A field as far as it could be read; what is wrong is in the report and left out here."""
    name = node.get("name")
    known = name is not None and name.kind == "scalar"
    about = report.within(f'field "{name.text}"' if name and known else f"field {index + 1}")
    data = read_mapping(node, FIELD_KEYS, about)
    kind = _kind(node, data)
    raw = {key: data.pop(key) for key in ("default", "min", "max") if key in data}
    for key, value in raw.items():
        if kind and isinstance(value, Node):
            data[key] = typed_value(key, kind, value, about)
    field = Field.model_validate({"name": "", "prompt": (), **data})
    return FieldDraft(node, about, field, typed=kind is not None, index=index)


def _kind(node: Node, data: dict[str, object]) -> FieldType | None:
    """The field's type; None when it has a wrong one, and nothing that hangs on it is checked."""
    kind = data.get("type", "text" if node.get("type") is None else None)
    return next((known for known in LIMITS if known == kind), None)
