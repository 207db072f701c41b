"""One page, one file, one line in app.py."""
