# The first node, as root: both copies are declared equal, then the database is made.
set -e
for _ in $(seq 60); do [ "$(drbdadm cstate pgdata)" = Connected ] && break; sleep 1; done
drbdadm new-current-uuid --clear-bitmap pgdata
drbdadm primary pgdata
mkfs.ext4 -q -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 /dev/drbd0
mount /dev/drbd0 /srv/pgdata
install -d -o postgres -g postgres -m 700 /srv/pgdata/main
bin=$(echo /usr/lib/postgresql/*/bin)
cd /
runuser -u postgres -- "$bin/initdb" -D /srv/pgdata/main --data-checksums --encoding=UTF8 --locale=C.UTF-8 \
  --auth-local=peer --auth-host=scram-sha-256 >/dev/null
echo "listen_addresses = '*'" >> /srv/pgdata/main/postgresql.conf
echo "host all all 10.77.0.0/24 scram-sha-256" >> /srv/pgdata/main/pg_hba.conf
runuser -u postgres -- "$bin/postgres" --single -D /srv/pgdata/main postgres < /root/bench.sql >/dev/null
rm /root/bench.sql
umount /srv/pgdata
drbdadm secondary pgdata
for _ in $(seq 120); do crm_mon -1 2>/dev/null | grep -q 'Online: \[ node1 node2 \]' && break; sleep 1; done
crm_mon -1 | grep -q 'partition with quorum'
crm configure load update /root/bench.crm
rm /root/bench.crm
