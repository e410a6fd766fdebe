# shellcheck shell=dash
# Written by pcmk-ha. What our resource agents share. Nothing here starts a program: what an agent spends on programs
# is time that a failover takes.
# shellcheck disable=SC2034  # for those who read this file
SUCCESS=0 FAILED=1 UNIMPLEMENTED=3 NOT_INSTALLED=5 MISCONFIGURED=6 NOT_RUNNING=7 PROMOTED=8

# Ends with a code and words that Pacemaker shows beside the failed action.
give_up() {
  code=$1
  shift
  echo "ocf-exit-reason:$*" >&2
  exit "$code"
}

# Sets `now`, hundredths of a second.
clock() {
  read -r now rest </proc/uptime
  now=${now%.*}${now#*.}
}

# Sets `deadline`, somewhat before Pacemaker would end us without a word about the reason.
begin() {
  clock
  deadline=$((now + ${OCF_RESKEY_CRM_meta_timeout:-60000} * 9 / 100))
}

is_late() {
  clock
  [ "$now" -ge "$deadline" ]
}

is_probe() { [ "${OCF_RESKEY_CRM_meta_interval:-0}" = 0 ]; }

usage() {
  echo "usage: $0 ${1}" >&2
  exit $UNIMPLEMENTED
}
