"""Large segments are read in a second process, so that receiving and writing need not wait for Python's lock.

A segment is large when spans come by the thousand a second, or after an outage; what a quiet service sends is read in
the collector's own process, and no other is started for it. The second process owns nothing: it is told what it needs
to know, and when it ends in the middle of a segment, that segment is read again. It ends when the collector does.
"""
