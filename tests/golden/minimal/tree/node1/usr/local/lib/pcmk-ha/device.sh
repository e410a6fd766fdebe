# shellcheck shell=dash
# Written by pcmk-ha. The fence device of a node, asked without Pacemaker's fencer; and what watch-peer found out with it.
# shellcheck disable=SC2034,SC2154  # `target` and `power` are set and read by those who read this file
LOST=/run/pcmk-ha-lost # of a node that Corosync lost: since when, in seconds since boot, and what is known of its power
ASK_S=10               # for a device to answer
newline='
'

# Sets `agent` and `options` of the target's own device, from this node's copy of the configuration, and `stays_off` where
# it leaves nodes off after a reboot. Fails where Pacemaker is told more of it than its agent is: which plug is the
# target's, or other actions.
find_device() {
  found=$(cibadmin --query --local --timeout 5 --xpath "//primitive[@id='fence_$target']" 2>/dev/null) || return 1
  case $found in
    *'"pcmk_host_map"'* | *'"pcmk_host_argument"'*) return 1 ;;
    *'"pcmk_off_action"'* | *'"pcmk_on_action"'* | *'"pcmk_status_action"'*) return 1 ;;
    *'name="pcmk_reboot_action" value="off"'*) stays_off=yes ;;
    *'name="pcmk_reboot_action"'*) return 1 ;;
  esac
  device=$(
    sed -n -e 's/^<primitive .* type="\([^"]*\)".*/\1/p' \
      -e '/name="pcmk_/d' -e 's/.*<nvpair .*name="\([^"]*\)".* value="\([^"]*\)".*/\1=\2/p' <<END |
$found
END
      sed -e 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&apos;/'"'"'/g; s/&amp;/\&/g'
  )
  agent=${device%%"$newline"*}
  options=${device#*"$newline"}
  case $agent in fence_*) ;; *) return 1 ;; esac
}

# Has the target's own device do something; its status is the agent's.
ask() { printf '%s\n' "$options" "nodename=$target" "action=$1" | timeout "$2" "$agent" >/dev/null 2>&1; }

# Sets `power` to on, off, or unknown, as the device says. Asked for a status, an agent answers 2 for off, and 0 for on;
# anything else, an error among it, is no proof.
ask_power() {
  ask status $ASK_S
  case $? in
    0) power=on ;;
    2) power=off ;;
    *) power=unknown ;;
  esac
}

# Sets `clock`, hundredths of a second since boot.
look_at_clock() {
  read -r clock _ </proc/uptime
  clock=${clock%.*}${clock#*.}
}

# Sets `lost` (hundredths of a second since boot) and `power` (asking, on, off, unknown) as watch-peer noted them.
# Fails where it noted nothing: the node is a member, or nobody watches.
read_loss() { { read -r lost power <"$LOST-$1"; } 2>/dev/null; }
