# Each node, as root. What was put in place before: corosync.conf, authkey, pgdata.res.
set -e
printf '10.77.0.11 node1\n10.77.0.12 node2\n127.0.0.1 localhost\n' > /etc/hosts
printf 'global { usage-count no; }\n' > /etc/drbd.d/global_common.conf
chmod 400 /etc/corosync/authkey
mkdir -p /srv/pgdata
modprobe drbd
drbdadm create-md --force pgdata
drbdadm up pgdata
# A lab node boots in eight seconds and a server in minutes: here, too, it joins 20 s after its boot at the earliest.
cat > /usr/local/sbin/bench-wait <<'END'
#!/bin/sh
read -r up rest < /proc/uptime
left=$((20 - ${up%.*}))
[ $left -le 0 ] || sleep $left
END
chmod 755 /usr/local/sbin/bench-wait
mkdir -p /etc/systemd/system/corosync.service.d
printf '[Service]\nExecStartPre=/usr/local/sbin/bench-wait\n' > /etc/systemd/system/corosync.service.d/bench.conf
systemctl daemon-reload
systemctl enable -q corosync pacemaker
systemctl start corosync pacemaker
