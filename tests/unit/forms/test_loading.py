"""What a form file says is what the form is: shorthands, YAML's traps, and the way through JSON."""

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnkeeper.errors import FormError
from turnkeeper.forms import Choice, Deliver, Field, Form, Resume, Stale, load_folder, parse_form
from turnkeeper.forms.condition import parse_condition
from turnkeeper.forms.durations import parse_duration
from turnkeeper.forms.keys import FIELD_KEYS, FORM_KEYS
from turnkeeper.forms.nodes import MAX_DEPTH

EXAMPLES = Path(__file__).parents[3] / "forms"


def field(text: str) -> Field:
    """The only field of a form, from its keys."""
    keys = "\n".join("    " + line for line in dedent(text).strip().splitlines())
    return parse_form(f"form: f\nfields:\n  - name: a\n    prompt: Ask\n{keys}").fields[0]


def form(text: str) -> Form:
    return parse_form(f"form: f\nfields: [{{name: a, prompt: Ask}}]\n{dedent(text).strip()}")


def test_a_form_is_what_its_file_says() -> None:
    text = """
        form: claim
        title: Claim
        fields:
          - name: kind
            type: choice
            choices: {theft: [stolen, nicked], glass: []}
            prompt: ["What happened?", "Theft or glass?"]
          - name: report
            when: kind == "theft"
            required: false
            prompt: The police report?
    """
    assert parse_form(dedent(text).lstrip()) == Form(
        form="claim",
        title="Claim",
        fields=(
            Field(
                name="kind",
                type="choice",
                choices=(
                    Choice(value="theft", synonyms=("stolen", "nicked")),
                    Choice(value="glass"),
                ),
                prompt=("What happened?", "Theft or glass?"),
            ),
            Field(
                name="report",
                when='kind == "theft"',
                required=False,
                prompt=("The police report?",),
            ),
        ),
    )


@pytest.mark.parametrize(
    "written",
    [
        "choices: [x, y]",
        "choices: {x: , y: []}",
        "choices: [{value: x}, y]",
        "choices:\n  - x\n  - value: y",
    ],
)
def test_choices_are_written_in_any_of_three_ways(written: str) -> None:
    assert field(f"type: choice\n{written}").choices == (Choice(value="x"), Choice(value="y"))


def test_a_single_synonym_needs_no_list() -> None:
    assert field("type: choice\nchoices: {x: ex, y: why}").choices[0].synonyms == ("ex",)


@pytest.mark.parametrize(
    ("written", "length"), [("6", 6), ("4..8", (4, 8)), ("4-8", (4, 8)), ("[4, 8]", (4, 8))]
)
def test_a_length_is_a_number_or_a_range(written: str, length: int | tuple[int, int]) -> None:
    assert field(f"type: digits\nlength: {written}").length == length


@pytest.mark.parametrize(
    "written", ["yes, no", "on, off", "1, 2", "1.50, 0x1F", "12:30, 2020-01-01"]
)
def test_choices_are_the_words_that_were_written(written: str) -> None:
    """YAML 1.1 reads these as booleans, numbers, sexagesimals and date objects."""
    values = [choice.value for choice in field(f"type: choice\nchoices: [{written}]").choices]
    assert values == written.split(", ")


def test_bounds_and_defaults_stay_as_they_were_written() -> None:
    at = field("type: time\nmin: 09:30\nmax: 17:30\nrequired: no\ndefault: 12:30")
    assert (at.min, at.max, at.required, at.default) == ("09:30", "17:30", False, "12:30")
    assert field("type: date\nmin: 2020-01-01\nmax: today").min == "2020-01-01"
    assert field("type: digits\nrequired: false\ndefault: 007").default == "007"


def test_numbers_and_booleans_are_values_of_their_kind() -> None:
    number = field("type: number\nmin: -1\nmax: 2.5\nrequired: false\ndefault: 2.0")
    assert (number.min, number.max, number.default) == (-1, 2.5, 2)
    assert field("type: boolean\nrequired: false\ndefault: no").default is False


def test_norway_is_a_region_and_one_point_ten_a_version() -> None:
    loaded = form("region: NO\nversion: 1.10\nlanguage: no")
    assert (loaded.region, loaded.version, loaded.language) == ("NO", "1.10", "no")


def test_folded_text_is_one_line_and_null_is_absence() -> None:
    loaded = form("greeting: >\n  Hello,\n  caller.\ntitle:\ngoodbye: ~")
    assert (loaded.greeting, loaded.title, loaded.goodbye) == ("Hello, caller.", "", None)


def test_the_white_space_of_a_pattern_counts() -> None:
    assert field("pattern: 'a  b'").pattern == "a  b"


def test_deliver_and_stale_have_a_short_way() -> None:
    short = form("deliver: https://example.com/c\nstale: 24h")
    long = form("deliver: {url: 'https://example.com/c'}\nstale: {after: 1d, policy: ask}")
    assert short == long
    assert short.deliver == Deliver(url="https://example.com/c")
    assert short.stale == Stale(after=timedelta(days=1))


def test_resume_has_a_short_way() -> None:
    born = "form: f\nfields: [{name: born, type: date, prompt: B.}]\n"
    short = parse_form(f"{born}resume: born")
    assert short == parse_form(f"{born}resume: [born]")
    assert short.resume == Resume(verify=("born",), attempts=3, again_after=timedelta(hours=24))
    long = parse_form(
        f"{born}hand_off: desk\nresume: {{verify: born, attempts: 5, then: hand_off}}"
    )
    assert long.resume == Resume(verify=("born",), attempts=5, then="hand_off")


def test_a_header_is_named_by_its_environment_variable() -> None:
    loaded = form("deliver: {url: 'https://example.com/c', authorization: 'env:TOKEN'}")
    assert loaded.deliver == Deliver(url="https://example.com/c", authorization="env:TOKEN")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("24h", 86400),
        ("7d", 604800),
        ("2w", 1209600),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("P7D", 604800),
        ("PT1H30M", 5400),
    ],
)
def test_a_duration_is_short_or_iso(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "7", "d7", "-7d", "0s", "1.5h", "3651d", "999999999w", "30m1h", "٣d"]
)
def test_what_is_no_duration_up_to_ten_years_is_none(text: str) -> None:
    assert parse_duration(text) is None


@settings(max_examples=300)
@given(st.text(max_size=40))
def test_a_duration_is_read_or_none_whatever_the_text(text: str) -> None:
    duration = parse_duration(text)
    assert duration is None or timedelta() < duration <= timedelta(days=3650)


def test_a_folder_gives_its_forms_by_id(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("form: a\nfields: [{name: a, prompt: Ask}]")
    (tmp_path / "y.yml").write_text("\ufeffform: b\nfields: [{name: a, prompt: Ask}]", "utf-8")
    (tmp_path / "notes.txt").write_text("not a form")
    assert sorted(load_folder(tmp_path)) == ["a", "b"]


def test_an_empty_folder_has_no_forms(tmp_path: Path) -> None:
    assert load_folder(tmp_path) == {}


@pytest.mark.parametrize("loaded", load_folder(EXAMPLES).values(), ids=lambda form: form.form)
def test_an_example_form_is_equal_after_a_way_through_json(loaded: Form) -> None:
    assert Form.model_validate_json(loaded.model_dump_json()) == loaded
    assert Form.model_validate_json(loaded.model_dump_json(exclude_defaults=True)) == loaded


def test_the_demo_asks_for_policy_number_what_happened_and_the_day() -> None:
    claim = load_folder(EXAMPLES)["roadside_claim"]
    asked = [(field.name, field.prompt[0]) for field in claim.fields[:3]]
    assert asked == [
        ("policy_number", "What is your policy number?"),
        ("what_happened", "What happened?"),
        ("incident_date", "What day did it happen?"),
    ]


# --- any text at all ------------------------------------------------------------------------------


def assert_usable(form: Form) -> None:
    """A form that loads survives JSON, and has what it takes to ask each of its fields."""
    assert Form.model_validate_json(form.model_dump_json()) == form
    assert form.form
    assert form.fields
    for field in form.fields:
        assert field.name
        assert all(field.prompt)
        assert field.prompt
        assert (len(field.choices) >= 2) is (field.type == "choice")
        if field.when is not None:
            parse_condition(field.when)


def form_or_mistakes(text: str) -> Form | tuple[str, ...]:
    try:
        return parse_form(text)
    except FormError as error:
        return error.mistakes


_KEYS = st.sampled_from([*FORM_KEYS, *FIELD_KEYS, "url", "after", "nonsense"])
_VALUES = st.sampled_from(
    ["", "a", "f", "choice", "date", "today", "7d", "4..8", "true", "12", "-1.5", "{a}", "'('",
     "a == 1", "[a, b]", "[1, 2]", "{a: b}", "[{name: a, prompt: p}]", "https://x.y", "en", "US",
     '"\\0"', '"\\ud800"', "&x [*x]", "!!float .inf", "~", "|", "[", "\t", "9" * 400,
     "9" * 30 + ".5"]
)  # fmt: skip
_LINES = st.tuples(st.sampled_from(["", "  - ", "    "]), _KEYS, _VALUES).map(
    lambda line: f"{line[0]}{line[1]}: {line[2]}"
)
_FORMISH = st.lists(_LINES, max_size=12).map("\n".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), _FORMISH))
def test_any_text_is_a_form_or_a_form_error(text: str) -> None:
    found = form_or_mistakes(text)
    if isinstance(found, Form):
        assert_usable(found)
    else:
        assert found
        assert all(mistake.startswith("<form>:") for mistake in found)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(_KEYS, _VALUES), max_size=8))
def test_any_keys_of_a_field_are_a_form_or_a_form_error(keys: list[tuple[str, str]]) -> None:
    lines = [f"    {key}: {value}" for key, value in keys]
    text = "\n".join(["form: f", "fields:", "  - name: b", *lines])
    found = form_or_mistakes(text)
    if isinstance(found, Form):
        assert_usable(found)
    else:
        assert found


def test_a_form_at_the_depth_limit_is_read() -> None:
    """The limit is on nesting alone: a usual form has five levels."""
    assert MAX_DEPTH > 5
    assert len(field("type: choice\nchoices: [{value: x, synonyms: [y]}, z]").choices) == 2
