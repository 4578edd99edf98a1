"""Remember and find: one Writer, any number of Readers, on one SQLite file."""
