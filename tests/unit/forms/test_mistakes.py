"""Every mistake that a form's author can make is told with its line, its column, and a way out."""

from pathlib import Path
from textwrap import dedent

import pytest

from turnkeeper.errors import FormError
from turnkeeper.forms import load_folder, load_form, parse_form


def mistakes_in(text: str) -> list[str]:
    """What is wrong with a text, each as `line:column: sentence`."""
    with pytest.raises(FormError) as told:
        parse_form(dedent(text).lstrip("\n"), "f")
    assert all(mistake.startswith("f:") for mistake in told.value.mistakes)
    return [mistake.removeprefix("f:") for mistake in told.value.mistakes]


def in_field(text: str, more: str = "") -> list[str]:
    """What is wrong with a third field, after a choice and a number; its first line is line 5 (or,
    with more of the form before the fields, further down)."""
    head = """
    fields:
      - {name: kind, type: choice, choices: [theft, glass], prompt: What.}
      - {name: count, type: number, min: 1, max: 9, prompt: How many.}
    """
    return mistakes_in(
        f"form: f\n{more}"
        + dedent(head).lstrip()
        + "  - "
        + dedent(text).strip().replace("\n", "\n    ")
    )


def in_form(text: str) -> list[str]:
    """What is wrong with a form whose fields are right; the text begins in line 3."""
    head = "form: f\nfields: [{name: a, prompt: A.}, {name: pin, secret: true, prompt: P.}]\n"
    return mistakes_in(head + dedent(text).strip())


FILES = {
    "the file is empty": ("", ["1:1: the file is empty; begin with: form: <id>"]),
    "a bracket is open": (
        "form: [a",
        [
            "1:9: not YAML: while parsing a flow sequence expected ',' or ']', but got "
            "'<stream end>'; check the indentation, and quote text with a colon or a question mark"
        ],
    ),
    "a colon is not quoted": (
        "form: a: b",
        [
            "1:8: not YAML: mapping values are not allowed here; "
            "check the indentation, and quote text with a colon or a question mark"
        ],
    ),
    "two documents": (
        "form: a\n---\nform: b",
        [
            "2:1: not YAML: expected a single document in the stream but found another document; "
            "check the indentation, and quote text with a colon or a question mark"
        ],
    ),
    "a tab": (
        "form: f\nfields:\n\t- name: a\n",
        ["3:1: a tab, which YAML does not indent with; write spaces"],
    ),
    "an alias": (
        "form: &a f\ntitle: *a",
        ["2:8: an alias, which forms do not use; write the value out"],
    ),
    "a character that YAML does not have": (
        "form: f\ntitle: a\x07",
        ["2:9: a character that YAML does not allow; delete it"],
    ),
    "half a character": (
        'form: "\\ud800"',
        ["1:7: an escape that is half a character; write the character itself"],
    ),
    "an escape beyond Unicode": (
        'form: "\\UFFFFFFFF"',
        ["1:1: not YAML: an escape in a text names no character; correct it"],
    ),
    "nested too deep": (
        "form: " + "[" * 20,
        ["1:19: nested more than 12 deep; a form is flatter than that"],
    ),
    "a list at the top": (
        "- form",
        ["1:1: a mapping of keys is needed here, such as form:, version:, title:"],
    ),
    "neither an id nor fields": (
        "title: Claim",
        [
            '1:1: the form has no id; add one, such as "form: roadside_claim"',
            "1:1: the form has no fields; add one under fields:",
        ],
    ),
    "an empty list of fields": (
        "form: f\nfields: []",
        ["2:9: the form has no fields; add one under fields:"],
    ),
    "fields that are no list": (
        "form: f\nfields: {a: b}",
        ['2:9: fields are a list: each begins with "- name:"'],
    ),
    "a field that is no mapping": (
        "form: f\nfields:\n  - claim\n  - {name: a, prompt: A.}",
        ['3:5: a field is a mapping: begin it with "- name:"'],
    ),
    "more fields than a caller answers": (
        "form: f\nfields:\n" + "".join(f"  - {{name: a{n}, prompt: A.}}\n" for n in range(201)),
        ["3:3: the form has over 200 fields; split it"],
    ),
    "a duplicate key": (
        "form: f\nfields: [{name: a, prompt: A.}]\nform: g",
        ['3:1: "form" is there twice (first in line 1); keep one'],
    ),
    "an empty form id": (
        'form: ""\nfields: [{name: a, prompt: A.}]',
        [
            '1:7: form id "" is not well formed; use lower-case letters, digits, '
            "_ and -, begin with a letter or digit, at most 64"
        ],
    ),
    "an ill-formed form id": (
        "form: Roadside Claim\nfields: [{name: a, prompt: A.}]",
        [
            '1:7: form id "Roadside Claim" is not well formed; use lower-case letters, digits, '
            "_ and -, begin with a letter or digit, at most 64"
        ],
    ),
}


@pytest.mark.parametrize(("text", "told"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_form_says_where_and_why(text: str, told: list[str]) -> None:
    assert mistakes_in(text) == told


FORMS = {
    "an unknown key, close to one": (
        "lanugage: en",
        ['3:1: key "lanugage" is not known; did you mean "language"?'],
    ),
    "an unknown key, close to none": (
        "xyz: 1",
        [
            '3:1: key "xyz" is not known; use one of form, version, title, language, region, '
            "timezone, greeting, welcome_back, goodbye, fields, confirm, deliver, stale, "
            "resume, hand_off, abandon_after, expire_after, keep_for, again, "
            "migrates_from"
        ],
    ),
    "an unknown language": (
        "language: xx",
        ['3:11: language "xx" is not known; write a code such as en, en-GB or es'],
    ),
    "a region in lower case": ("region: gb", ['3:9: region "gb" is not known; did you mean "GB"?']),
    "a region that is none": (
        "region: Texas",
        ['3:9: region "Texas" is not known; write two letters such as US or GB'],
    ),
    "a group of countries": (
        "region: EU",
        ['3:9: region "EU" is not known; write two letters such as US or GB'],
    ),
    "an unknown time zone": (
        "timezone: Europe/Belin",
        ['3:11: timezone "Europe/Belin" is not known; did you mean "Europe/Berlin"?'],
    ),
    "a time zone that leads out of the database": (
        "timezone: ../../etc/passwd",
        ['3:11: timezone "../../etc/passwd" is not known; write one like America/New_York'],
    ),
    "a bad duration": (
        "abandon_after: soon",
        ['3:16: "soon" is not a duration; write it like 90s, 30m, 24h, 7d, 2w or P7D'],
    ),
    "no duration": (
        "abandon_after: 0d",
        ['3:16: "0d" is not a duration; write it like 90s, 30m, 24h, 7d, 2w or P7D'],
    ),
    "a duration that is a list": (
        "keep_for: [7d]",
        ["3:11: this is not a duration; write it like 90s, 30m, 24h, 7d, 2w or P7D"],
    ),
    "an unknown word for again": (
        "again: sho",
        ['3:8: again "sho" is not known; did you mean "show"?'],
    ),
    "confirm is neither true nor false": (
        "confirm: maybe",
        ["3:10: true or false is needed here"],
    ),
    "a title that is a list": (
        "title: [a]",
        ["3:8: one text is needed here, not a list or a mapping; quote it"],
    ),
    "deliver to no web address": (
        "deliver: ftp://example.com/claims",
        [
            '3:10: deliver: "ftp://example.com/claims" is not an http or https URL; '
            "write https://example.com/claims"
        ],
    ),
    "deliver to a broken address": (
        "deliver: http://[::1",
        ['3:10: deliver: "http://[::1" is not a URL; write one like https://example.com/claims'],
    ),
    "a password in the URL": (
        "deliver: https://ada:pw@example.com/",
        ["3:10: deliver: leave user and password out of the URL; use authorization"],
    ),
    "deliver without a URL": (
        "deliver: {give_up_after: 7d}",
        ['3:10: "url" is missing here; add it'],
    ),
    "a secret in the form": (
        "deliver:\n  url: https://example.com/\n  authorization: Bearer abc",
        [
            "4:3: authorization: a form stands in history, so it holds no secret; "
            'name the environment variable that has it, such as "env:CLAIMS_TOKEN"'
        ],
    ),
    "a hand-off to nowhere": (
        'hand_off: " "',
        [
            "3:11: hand_off says no place to transfer a caller to; "
            "write a phone number, a SIP address or a queue's name, at most 200 long"
        ],
    ),
    "resume by nothing": (
        "resume: []",
        [
            "3:9: resume names no field to verify by, so it would let anybody in; "
            "name one, such as date_of_birth"
        ],
    ),
    "resume by an unknown field": (
        "resume: pim",
        ['3:9: verify: there is no field "pim"; did you mean "pin"?'],
    ),
    "resume by free text": (
        "resume: [a, pin, a]",
        [
            '3:10: verify: "a" is of type text and has no normal form to compare; '
            "name a date, digits or the like",
            '3:13: verify: "pin" is of type text and has no normal form to compare; '
            "name a date, digits or the like",
            '3:18: verify: "a" is there twice; keep one',
        ],
    ),
    "resume with endless attempts": (
        "resume: {verify: pim, attempts: 11, then: hand_off}",
        [
            "3:9: attempts: over 10 attempts let a stranger guess; write 10 or fewer",
            "3:9: then: the form says no place to transfer to; "
            "add hand_off, or write then: hang_up",
            '3:18: verify: there is no field "pim"; did you mean "pin"?',
        ],
    ),
    "stale without after": ("stale: {policy: ask}", ['3:8: "after" is missing here; add it']),
    "stale after the session's end": (
        "stale: 8d",
        [
            "3:8: stale never comes: the session ends after 7 days; "
            "make it shorter, or abandon_after and expire_after longer"
        ],
    ),
    "abandoned after it expired": (
        "abandon_after: 9d\nexpire_after: 8d",
        ["3:16: abandon_after never comes: expire_after is shorter; make one of them longer"],
    ),
    "a greeting with an answer": (
        "greeting: Hello {a}.",
        ['3:11: greeting: "{a}" has no answer yet when this is said; leave it out'],
    ),
    "a template with an unknown field": (
        "goodbye: Bye {mileage}.",
        ['3:10: goodbye: there is no field "mileage"; correct the name'],
    ),
    "a template that nearly names a field": (
        "welcome_back: You said {titel}.",
        ['3:15: welcome_back: there is no field "titel"; did you mean "title"?'],
    ),
    "a template that speaks a secret": (
        "welcome_back: Your pin is {pin}.",
        ['3:15: welcome_back: "pin" is secret and is never spoken; leave it out'],
    ),
    "a stray brace": (
        "goodbye: 'Bye {a.'",
        ["3:10: goodbye: a brace that is not around a name; write {{ or }} for a brace"],
    ),
}


RESUMES = {
    "guessed too easily": (
        "type: boolean",
        "is of type boolean and is guessed too easily; name a date, digits or the like",
    ),
    "optional": (
        "type: date\nrequired: false",
        "may stay unanswered; name a field that is required and has no when",
    ),
    "conditional": (
        "type: date\nwhen: kind == 'theft'",
        "may stay unanswered; name a field that is required and has no when",
    ),
    "asked with an answer": (
        "type: date\nprompt: You said {count}, so when?",
        "has a prompt that needs an answer; add a sentence that names no field",
    ),
}


@pytest.mark.parametrize(("text", "why"), RESUMES.values(), ids=RESUMES.keys())
def test_a_field_that_lets_nobody_in_is_told_where_it_is_named(text: str, why: str) -> None:
    field = "name: x\n" + (text if "prompt:" in text else f"{text}\nprompt: When?")
    assert in_field(f"{field}\n", "resume: x\n") == [f'2:9: verify: "x" {why}']


@pytest.mark.parametrize(("text", "told"), FORMS.values(), ids=FORMS.keys())
def test_a_mistake_in_the_form_says_where_and_why(text: str, told: list[str]) -> None:
    assert in_form(text) == told


FIELDS = {
    "no name": (
        "prompt: A?",
        ['5:5: field 3: it has no name; add one, such as "name: policy_number"'],
    ),
    "an ill-formed name": (
        "name: Policy-Number\nprompt: A?",
        [
            '5:11: field "Policy-Number": name "Policy-Number" is not well formed; use lower-case '
            "letters, digits and _, begin with a letter, at most 64 characters"
        ],
    ),
    "a reserved name": (
        "name: class\nprompt: A?",
        ['5:11: field "class": name "class" is a reserved word; choose another'],
    ),
    "a duplicate name": (
        "name: kind\nprompt: A?",
        ['5:11: field "kind": the name is there twice (the first is in line 3); rename one'],
    ),
    "no prompt": (
        "name: a",
        ['5:5: field "a": it has no prompt; add the question that the caller hears'],
    ),
    "an empty name": (
        'name: ""\nprompt: A?',
        [
            '5:11: field "": name "" is not well formed; use lower-case letters, digits and _, '
            "begin with a letter, at most 64 characters"
        ],
    ),
    "an empty list of prompts": (
        "name: a\nprompt: []",
        ['6:13: field "a": it has no prompt; add the question that the caller hears'],
    ),
    "a null prompt": (
        "name: a\nprompt:",
        ['5:5: field "a": it has no prompt; add the question that the caller hears'],
    ),
    "an empty prompt in the ladder": (
        'name: a\nprompt:\n  - A?\n  - ""',
        ['8:9: field "a": a prompt is empty; write what the caller hears, or remove it'],
    ),
    "a prompt that is a mapping": (
        "name: a\nprompt: {en: A}",
        ['6:13: field "a": one text is needed here, not a list or a mapping; quote it'],
    ),
    "an unknown key": (
        "name: a\npromt: A?\nprompt: A?",
        ['6:5: field "a": key "promt" is not known; did you mean "prompt"?'],
    ),
    "a duplicate key in a field": (
        "name: a\nprompt: A?\nprompt: B?",
        ['7:5: field "a": "prompt" is there twice (first in line 6); keep one'],
    ),
    "an unknown type, and nothing about what hangs on it": (
        "name: a\nprompt: A?\ntype: dat\nmin: 2026-01-01\nlength: 4",
        ['7:11: field "a": type "dat" is not known; did you mean "date"?'],
    ),
    "a type as other languages call it": (
        "name: a\nprompt: A?\ntype: integer",
        ['7:11: field "a": type "integer" is not known; did you mean "number"?'],
    ),
    "another such type": (
        "name: a\nprompt: A?\ntype: string",
        ['7:11: field "a": type "string" is not known; did you mean "text"?'],
    ),
    "a type close to none": (
        "name: a\nprompt: A?\ntype: 7",
        [
            '7:11: field "a": type "7" is not known; use one of text, boolean, choice, number, '
            "digits, date, time, phone, email, name, postal_code"
        ],
    ),
    "a condition that does not parse": (
        "name: a\nprompt: A?\nwhen: kind ==",
        [
            '7:11: field "a": when: it is not complete, or its words are in the wrong order; '
            'write it like what_happened == "theft" and not injured'
        ],
    ),
    "a condition with one equals sign": (
        'name: a\nprompt: A?\nwhen: kind = "theft"',
        [
            '7:11: field "a": when: character 6, \'=\', has no place in a condition: use "==" to '
            'compare; write it like what_happened == "theft" and not injured'
        ],
    ),
    "a condition on an unknown field": (
        'name: a\nprompt: A?\nwhen: knd == "theft"',
        ['7:11: field "a": when: there is no field "knd"; did you mean "kind"?'],
    ),
    "a condition with text that is not quoted": (
        "name: a\nprompt: A?\nwhen: kind == theft",
        ['7:11: field "a": when: there is no field "theft"; text stands in quotes: "theft"'],
    ),
    "a condition on the field itself": (
        "name: a\nprompt: A?\nwhen: a",
        [
            '7:11: field "a": when: it looks at the field itself; '
            "a condition looks at earlier fields"
        ],
    ),
    "a condition on a later field": (
        "name: a\nprompt: A?\nwhen: b\n  ",
        ['7:11: field "a": when: there is no field "b"; text stands in quotes: "b"'],
    ),
    "a condition on a choice that does not exist": (
        'name: a\nprompt: A?\nwhen: kind in ["theft", "glas"]',
        [
            '7:11: field "a": when: "kind" is never "glas": it is not among the choices '
            '(theft, glass); did you mean "glass"?'
        ],
    ),
    "a condition that compares a choice with a boolean": (
        "name: a\nprompt: A?\nwhen: kind == true",
        [
            '7:11: field "a": when: "kind" is never true: it is a choice; '
            "compare it with text in quotes"
        ],
    ),
    "a condition that compares a number with text, the text first": (
        "name: a\nprompt: A?\nwhen: \"'3' < count\"",
        ['7:11: field "a": when: "count" is never "3": it is a number; compare it with a number'],
    ),
    "a condition on a number that is out of bounds": (
        "name: a\nprompt: A?\nwhen: count == 10",
        ['7:11: field "a": when: "count" is never 10: it is over max 9; change one of the two'],
    ),
    "a condition that puts choices in order": (
        'name: a\nprompt: A?\nwhen: kind < "theft"',
        ['7:11: field "a": when: "kind" is a choice, which has no order; compare it with == or !='],
    ),
    "a condition that compares fields of different kinds": (
        "name: a\nprompt: A?\nwhen: kind == count",
        ['7:11: field "a": when: "kind" and "count" are of different kinds, so it never holds'],
    ),
    "a prompt that names an unknown field": (
        "name: a\nprompt: So {cont}?",
        ['6:13: field "a": prompt: there is no field "cont"; did you mean "count"?'],
    ),
    "a prompt that names its own field": (
        "name: a\nprompt: So {a}? Which?",
        ['6:13: field "a": prompt: "{a}" has no answer yet when this is said; leave it out'],
    ),
    "min over max": (
        "name: a\nprompt: A?\ntype: number\nmin: 5\nmax: 3",
        ['8:10: field "a": min 5 is over max 3; swap the two'],
    ),
    "min date over max date": (
        "name: a\nprompt: A?\ntype: date\nmin: 2027-01-01\nmax: 2026-01-01",
        ['8:10: field "a": min 2027-01-01 is over max 2026-01-01; swap the two'],
    ),
    "a bound of the wrong kind": (
        "name: a\nprompt: A?\ntype: date\nmin: tomorrow",
        [
            '8:10: field "a": min "tomorrow" does not fit type date; '
            "write a date like 2026-11-17, or today"
        ],
    ),
    "a number that no float holds": (
        f"name: a\nprompt: A?\ntype: number\nmin: {'9' * 400}.5",
        [f'8:10: field "a": min "{"9" * 400}.5" does not fit type number; write a number'],
    ),
    "a number of more digits than Python reads": (
        f"name: a\nprompt: A?\ntype: number\nmin: {'9' * 5000}",
        [f'8:10: field "a": min "{"9" * 5000}" does not fit type number; write a number'],
    ),
    "a date that does not exist": (
        "name: a\nprompt: A?\ntype: date\nmax: 2026-02-30",
        [
            '8:10: field "a": max "2026-02-30" does not fit type date; '
            "write a date like 2026-11-17, or today"
        ],
    ),
    "a negative count of characters": (
        "name: a\nprompt: A?\nmin: -1",
        ['7:10: field "a": min "-1" does not fit type text; write a whole number of characters'],
    ),
    "min on a choice": (
        "name: a\nprompt: A?\ntype: choice\nchoices: [x, y]\nmin: 3",
        ['9:10: field "a": "min" means nothing for type choice; remove it'],
    ),
    "length on a boolean": (
        "name: a\nprompt: A?\ntype: boolean\nlength: 3",
        ['8:13: field "a": "length" means nothing for type boolean; remove it'],
    ),
    "whole on a text": (
        "name: a\nprompt: A?\nwhole: true",
        ['7:12: field "a": "whole" means nothing for type text; remove it'],
    ),
    "a default that is not whole": (
        "name: a\nprompt: A?\ntype: number\nwhole: true\nrequired: false\ndefault: 1.5",
        ['10:14: field "a": default 1.5 is not a whole number; change one of the two'],
    ),
    "a negative length": (
        "name: a\nprompt: A?\nlength: -3",
        ['7:13: field "a": a length is a whole number, or from..to, such as 6 or 4..8'],
    ),
    "a length that runs downwards": (
        "name: a\nprompt: A?\nlength: 8..4",
        ['7:13: field "a": length 8..4 runs downwards; swap the two'],
    ),
    "a length of nothing": (
        "name: a\nprompt: A?\nlength: 0",
        ['7:13: field "a": length 0 takes no answer at all; write 1 or more'],
    ),
    "a pattern that does not compile": (
        'name: a\nprompt: A?\npattern: "("',
        [
            '7:14: field "a": the pattern is no regular expression: missing ), unterminated '
            "subpattern at position 0; correct it"
        ],
    ),
    "a pattern on a number": (
        "name: a\nprompt: A?\ntype: number\npattern: x",
        ['8:14: field "a": "pattern" means nothing for type number; remove it'],
    ),
    "a default on a required field": (
        "name: a\nprompt: A?\ndefault: x",
        [
            '7:14: field "a": only a field that may be skipped has a default; '
            'add "required: false", or remove the default'
        ],
    ),
    "a default that is not in normal form": (
        "name: a\nprompt: A?\nrequired: false\ntype: phone\ndefault: (415) 555-0100",
        [
            '9:14: field "a": default "(415) 555-0100" does not fit type phone; '
            "write a number like +14155550100"
        ],
    ),
    "a default that is not among the choices": (
        "name: a\nprompt: A?\nrequired: false\ntype: choice\nchoices: [x, y]\ndefault: z",
        ['10:14: field "a": default "z" is not among the choices (x, y); choose one of them'],
    ),
    "a default out of bounds": (
        "name: a\nprompt: A?\nrequired: false\ntype: number\nmax: 5\ndefault: 6",
        ['10:14: field "a": default 6 is over max 5; change one of the two'],
    ),
    "a default of the wrong length": (
        "name: a\nprompt: A?\nrequired: false\ntype: digits\nlength: 4\ndefault: 123",
        ['10:14: field "a": default "123" does not have the field\'s length; change one'],
    ),
    "a default that the pattern does not match": (
        "name: a\nprompt: A?\nrequired: false\npattern: x+\ndefault: y",
        ['9:14: field "a": default "y" does not match the pattern; change one of the two'],
    ),
    "no choices": (
        "name: a\nprompt: A?\ntype: choice",
        ['5:5: field "a": a choice field needs choices, such as [collision, theft]'],
    ),
    "one choice": (
        "name: a\nprompt: A?\ntype: choice\nchoices: [x]",
        ['8:14: field "a": a choice needs two choices or more; add one'],
    ),
    "choices on a number": (
        "name: a\nprompt: A?\ntype: number\nchoices: [1, 2]",
        ['8:14: field "a": type number has no choices; use type choice, or remove them'],
    ),
    "choices that are one text": (
        "name: a\nprompt: A?\ntype: choice\nchoices: x, y",
        [
            '8:14: field "a": choices are a list, such as [collision, theft]',
        ],
    ),
    "a choice twice": (
        "name: a\nprompt: A?\ntype: choice\nchoices:\n  - x\n  - y\n  - X",
        ['11:9: field "a": "X" is there twice (under "x"); keep one'],
    ),
    "a synonym twice": (
        "name: a\nprompt: A?\ntype: choice\nchoices:\n  x: [ex]\n  y: [why, ex]",
        ['10:7: field "a": "ex" is there twice (under "x"); keep one'],
    ),
    "a choice without a value": (
        "name: a\nprompt: A?\ntype: choice\nchoices: [x, y, {synonyms: [z]}]",
        ['8:21: field "a": a choice needs a "value", such as {value: theft, synonyms: [stolen]}'],
    ),
    "an empty choice": (
        'name: a\nprompt: A?\ntype: choice\nchoices: [x, "", y, X]',
        [
            '8:18: field "a": a choice needs a "value", such as {value: theft, synonyms: [stolen]}',
            '8:25: field "a": "X" is there twice (under "x"); keep one',
        ],
    ),
    "an unknown key in a choice": (
        "name: a\nprompt: A?\ntype: choice\nchoices: [x, {value: y, synonym: z}]",
        ['8:29: field "a": key "synonym" is not known; did you mean "synonyms"?'],
    ),
    "a secret that is read back": (
        "name: a\nprompt: A?\nsecret: true\nconfirm: always",
        ['8:14: field "a": a secret is never read back; remove confirm: always'],
    ),
    "a secret with a default": (
        "name: a\nprompt: A?\nsecret: true\nrequired: false\ndefault: x",
        ['9:14: field "a": a secret has no default; remove it'],
    ),
}


@pytest.mark.parametrize(("text", "told"), FIELDS.values(), ids=FIELDS.keys())
def test_a_mistake_in_a_field_says_where_and_why(text: str, told: list[str]) -> None:
    assert in_field(text) == told


def test_a_condition_looks_at_no_later_field() -> None:
    told = mistakes_in("""
        form: f
        fields:
          - {name: a, when: b, prompt: A.}
          - {name: b, prompt: B.}
        """)
    assert told == [
        '3:21: field "a": when: "b" is asked later; move it up, or use an earlier field'
    ]


def test_a_prompt_that_may_be_left_with_nothing_is_a_mistake() -> None:
    told = mistakes_in("""
        form: f
        fields:
          - {name: a, required: false, prompt: A.}
          - {name: b, prompt: "You said {a}, and b?"}
        """)
    hint = "nothing is left of it while an answer is missing; add a sentence that names no field"
    assert told == [f'4:23: field "b": prompt: {hint}']


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    told = mistakes_in("""
        form: Form
        regoin: US
        fields:
          - {name: a, type: dat, prompt: A.}
          - {name: b, when: c, prompt: B.}
          - {name: c}
        stale: 90d
        """)
    assert [line.split(":")[0] for line in told] == ["1", "2", "4", "5", "6", "7"]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="there is no such file; check the path"):
        load_form(tmp_path / "none.yaml")
    with pytest.raises(FormError, match=r"cannot be read \(Is a directory\)"):
        load_form(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"form: caf\xe9")
    with pytest.raises(FormError, match="not UTF-8 text; save the file as UTF-8"):
        load_form(latin)


def test_a_folder_tells_the_mistakes_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("form: f\nfields: [{name: a, prompt: A.}]")
    (tmp_path / "b.yml").write_text("form: f\nfields: [{name: a, prompt: A.}]")
    (tmp_path / "c.yaml").write_text("form: g")
    with pytest.raises(FormError) as told:
        load_folder(tmp_path)
    a, b, c = (tmp_path / name for name in ("a.yaml", "b.yml", "c.yaml"))
    assert told.value.mistakes == (
        f'{b}: form "f" is also in {a}; rename one of them',
        f"{c}:1:1: the form has no fields; add one under fields:",
    )


def test_what_is_no_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        FormError, match=r"no folder that can be read \(No such file or directory\)"
    ):
        load_folder(tmp_path / "none")


def test_fields_beyond_the_limit_are_not_looked_at() -> None:
    """Rules compare each field with all earlier ones: 4,500 bad fields took minutes."""
    fields = "".join(f"  - {{name: a{n}, prompt: Ask, when: b}}\n" for n in range(4500))
    assert len(mistakes_in(f"form: f\nfields:\n{fields}")) == 201


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(FormError, match="larger than 262144 characters; split the form"):
        parse_form("a" * 262_145)
