-- When the connection to this run of a mux broke; NULL while it stands, and where nobody watched.
ALTER TABLE muxes ADD COLUMN lost_ms INTEGER;
