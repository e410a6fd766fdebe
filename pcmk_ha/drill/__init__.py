"""Break it on purpose, measure the outage, prove that nothing is lost.

`scenarios/` says what breaks and what must come of it, and only asks a field (scenario.py) for it. Nodes, labs and
files are touched by field, watch, collect, keep, run and campaign alone; the rest is pure: what was seen (evidence,
samples, spans, timeline), what it means (outage, writers, judge), what comes next (blows, choose), and report/.
"""
