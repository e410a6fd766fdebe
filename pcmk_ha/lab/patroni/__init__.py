"""The field's other stack in the same lab: Patroni, etcd, HAProxy and Keepalived, to compare with."""
