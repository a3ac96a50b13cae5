#!/bin/sh
# A table is booked over plain HTTP: open, turns, a dropped line, open again, to the end.
#
#   uv run python -m worker dev                              # in one terminal; prints a token
#   TURNKEEPER_TOKEN=... sh examples/http_curl.sh ada        # in another; needs curl and python3
set -eu
GATEWAY=${GATEWAY:-http://127.0.0.1:8080}
CALLER=${1:-+14155550100}
: "${TURNKEEPER_TOKEN:?set it to the token that the gateway takes}"

# --retry sends a request again, as it is, when the answer is 503 or there is none: nothing is
# applied twice, because connect_id and utterance_id stay the same.
post() {
    curl --silent --show-error --fail-with-body --retry 8 --retry-connrefused --max-time 30 \
        --oauth2-bearer "$TURNKEEPER_TOKEN" \
        --header 'Content-Type: application/json' --data "$2" "$GATEWAY$1"
}

field() { # of the JSON that comes in
    python3 -c 'import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[key]
print(value)' "$1"
}

ring() { # a new leg, as the call that is named $1
    opened=$(post /v1/sessions \
        "{\"form\": \"dinner_reservation\", \"caller\": \"$CALLER\", \"connect_id\": \"$1\"}")
    id=$(printf %s "$opened" | field session_id)
    path=/v1/sessions/$(python3 -c 'import sys, urllib.parse as u; print(u.quote(sys.argv[1], ""))' "$id")
    leg="\"leg\": $(printf %s "$opened" | field leg), \"epoch\": \"$(printf %s "$opened" | field epoch)\""
    utterance=0
    printf 'agent:  %s\n' "$(printf %s "$opened" | field reply.say)"
}

say() { # one turn
    utterance=$((utterance + 1))
    printf 'caller: %s\n' "$1"
    reply=$(post "$path/turns" "{$leg, \"utterance_id\": \"u$utterance\", \"text\": \"$1\"}")
    printf 'agent:  %s\n' "$(printf %s "$reply" | field say)"
}

ring "call-1-$$"
say 'four people'
say 'tomorrow'

printf -- '--- the line drops; the same caller rings again ---\n'
ring "call-2-$$"
say 'half past seven in the evening'
say 'Ada Lovelace'
say 'no thanks'
say 'yes'
printf 'status: %s\n' "$(curl --silent --fail --oauth2-bearer "$TURNKEEPER_TOKEN" "$GATEWAY$path" | field status)"
