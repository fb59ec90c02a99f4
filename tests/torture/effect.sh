#!/bin/sh
# An action with an effect: it is noted in the ledger of its idempotency key, and so is whoever it finds at work there.
# Usage: effect.sh MARKER SECONDS
key=$NOETL_IDEMPOTENCY_KEY
ledger=effects/$key
if [ -e "$ledger" ]; then
    for pid in $(sed -n "s/^begin $1 //p" "$ledger"); do
        if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "NOETL_IDEMPOTENCY_KEY=$key"; then
            echo "overlap $1 $pid" >>"$ledger"
        fi
    done
fi
echo "begin $1 $$" >>"$ledger"
sleep "$2"
echo "end $1 $$" >>"$ledger"
