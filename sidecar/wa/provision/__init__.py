"""Plans a change to somebody's files, shows it, makes it, undoes it."""
