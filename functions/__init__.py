"""One short file per cloud function; nothing but wiring."""
