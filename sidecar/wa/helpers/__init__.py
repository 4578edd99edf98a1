"""Programs and services of others, one file each: what wa tells them, and what it makes of their answers."""
