"""One async function per use-case: it asks the sidecar, or reads the database. Surfaces see nothing below it."""
