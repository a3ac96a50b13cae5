"""What callers hear of a call itself, beside what the form says."""

ONE_MOMENT = "One moment, please."
"""While a turn takes longer than a caller takes for a working line."""
SAY_AGAIN = "Sorry, I could not write that down. Please say it again."
"""The store could not be reached. The question that is open follows."""
SORRY = "Sorry, something went wrong with that."
"""One turn could not be interpreted. The question that is open follows."""
OTHER_LINE = "You are on another line now, and we go on there. Goodbye."
STILL_SILENT = (
    "I still can't hear you. What you told me is kept: please call again and we go on. Goodbye."
)
NO_FORM = "Sorry, this number is not set up yet. Goodbye."
NO_SESSION = "Sorry, there is nothing here to go on with. Goodbye."
CALL_LATER = (
    "Sorry, we can't take your call right now. What you told us is kept: please call again later."
    " Goodbye."
)
NO_TRANSFER = "This call cannot be transferred from here. Goodbye."
