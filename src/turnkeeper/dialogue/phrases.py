"""The standard sentences: one table a language, keyed by what is meant.

A form's own texts (prompts, greeting, goodbye, help) always come first; these fill the gaps. A
language without a table hears English.
"""

from typing import Literal

PhraseName = Literal[
    "greeting", "greeting_untitled", "welcome_back", "welcome_back_summary", "goodbye",
    "noinput", "nomatch", "not_understood", "incomplete", "which", "help", "nothing_to_repeat",
    "required", "skipped", "kept", "no_way_back", "started_over", "changed", "changed_secret",
    "ask_value", "ask_final", "ask_final_empty", "ask_change", "ask_start_over", "ask_cancel",
    "ask_stale", "disconfirmed", "unknown_field", "not_applicable", "not_taken",
    "hand_off", "no_hand_off", "noted", "not_verified", "shut",
    "submitting", "completed", "handed_off", "cancelled", "abandoned", "expired", "failed",
    "and", "or",
]  # fmt: skip

ENGLISH: dict[PhraseName, str] = {
    "greeting": "Hello. {title}.",
    "greeting_untitled": "Hello.",
    "welcome_back": "Welcome back.",
    "welcome_back_summary": "Welcome back. So far I have {summary}.",
    "goodbye": "Thank you. That's everything.",
    "noinput": "Sorry, I didn't hear anything.",
    "nomatch": "Sorry, I didn't understand that.",
    "not_understood": "I didn't understand the {label}.",
    "incomplete": "I need the rest of the {label}.",
    "which": "Is that {options}?",
    "help": "You can answer the question, or say repeat, go back, start over or cancel.",
    "nothing_to_repeat": "There is nothing to repeat yet.",
    "required": "I do need an answer to that.",
    "skipped": "All right, we'll leave that out.",
    "kept": "All right, I'll keep it as it was.",
    "no_way_back": "This is the first question.",
    "started_over": "All right, let's start over.",
    "changed": "I've changed the {label} to {value}.",
    "changed_secret": "I've changed the {label}.",
    "ask_value": "I heard {value}. Is that right?",
    "ask_final": "Let me read that back. {summary} Is that right?",
    "ask_final_empty": "I have no answers to read back. Shall I send it like that?",
    "ask_change": "What should I change?",
    "ask_start_over": "Do you want to start over and lose your answers?",
    "ask_cancel": "Do you want to cancel and lose your answers?",
    "ask_stale": "You began this {ago} ago. Shall we go on with it?",
    "disconfirmed": "Sorry about that.",
    "unknown_field": "This form has no such field.",
    "not_applicable": "The {label} is not asked as things stand.",
    "not_taken": "I can't take that for the {label}.",
    "hand_off": "One moment, I'll connect you to someone who can help.",
    "no_hand_off": "I'm sorry, there is nobody here that I can connect you to.",
    "noted": "noted",
    "not_verified": "I'm sorry, I can't go on with that. Let me ask you again.",
    "shut": "I'm sorry, I can't help you with this on this call. Goodbye.",
    "submitting": "Your answers are in and are being sent on. Goodbye.",
    "completed": "This is already done. Goodbye.",
    "handed_off": "A colleague is taking this over. Please hold.",
    "cancelled": "All right, this is cancelled. Goodbye.",
    "abandoned": "This was closed because nobody came back to it. Goodbye.",
    "expired": "This has expired. Goodbye.",
    "failed": "Your answers could not be sent on. Goodbye.",
    "and": "and",
    "or": "or",
}

TABLES: dict[str, dict[PhraseName, str]] = {"en": ENGLISH}


def phrases(language: str) -> dict[PhraseName, str]:
    """The table for a language tag such as `en` or `en-GB`."""
    return TABLES.get(language.replace("_", "-").split("-")[0].lower(), ENGLISH)
