"""The rules that a form keeps: two literal lists of small functions.

A rule looks at one field or at the form and yields what it finds, so that an author sees all
mistakes at once. To add a rule, write the function and put it into its list; its docstring's first
line is its line in the form reference.
"""

from turnkeeper.forms import condition_rules, field_rules, form_rules, resume_rules, text_rules
from turnkeeper.forms.drafts import FieldRule, FormDraft, FormRule

FIELD_RULES: tuple[FieldRule, ...] = (
    field_rules.names,
    field_rules.prompts,
    field_rules.choices,
    field_rules.lengths,
    field_rules.bounds,
    field_rules.patterns,
    field_rules.whole_numbers,
    field_rules.defaults,
    field_rules.secrets,
    field_rules.read_backs,
    condition_rules.conditions,
    text_rules.field_texts,
)

FORM_RULES: tuple[FormRule, ...] = (
    form_rules.ids,
    form_rules.fields,
    form_rules.locales,
    form_rules.timezones,
    form_rules.deliveries,
    form_rules.hand_offs,
    form_rules.lifetimes,
    resume_rules.verified_fields,
    resume_rules.attempts,
    text_rules.form_texts,
)


def check(draft: FormDraft) -> None:
    """Every rule on the form and on each field; what is found goes into the report.

    Fields beyond the limit are a mistake by themselves and are not looked at: rules compare a
    field with all earlier ones.
    """
    for form_rule in FORM_RULES:
        for place, text in form_rule(draft):
            draft.report.add(place, text)
    for field in draft.fields[: form_rules.MAX_FIELDS]:
        for field_rule in FIELD_RULES:
            for place, text in field_rule(field, draft):
                field.report.add(place, text)
