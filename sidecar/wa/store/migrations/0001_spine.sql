-- Everything that `wa watch`, `panes`, `logs` and `search` need.
-- Instants are milliseconds since the epoch, UTC. Text holds no secrets: it passed wa.store.redact.

CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;

CREATE TABLE muxes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  socket TEXT NOT NULL,
  started TEXT NOT NULL,
  created_ms INTEGER NOT NULL
);

-- The id is the pane_uid without its `p`; AUTOINCREMENT: never given twice, not even after the row is gone.
CREATE TABLE panes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  mux INTEGER NOT NULL REFERENCES muxes (id),
  pane_id INTEGER NOT NULL,
  tab_id INTEGER,
  window_id INTEGER,
  title TEXT NOT NULL DEFAULT '',
  cwd TEXT,
  workspace TEXT NOT NULL DEFAULT '',
  cols INTEGER NOT NULL DEFAULT 0,
  rows INTEGER NOT NULL DEFAULT 0,
  alive INTEGER NOT NULL DEFAULT 1,
  source TEXT,
  created_ms INTEGER NOT NULL,
  closed_ms INTEGER,
  next_row INTEGER NOT NULL DEFAULT 0,
  rows_stored INTEGER NOT NULL DEFAULT 0,
  rows_lost INTEGER NOT NULL DEFAULT 0,
  gaps INTEGER NOT NULL DEFAULT 0,
  last_output_ms INTEGER,
  -- The user had all of it deleted: positions that are missing now were not lost.
  forgotten INTEGER NOT NULL DEFAULT 0,
  UNIQUE (mux, pane_id)
);

-- From which row on a pane stood in which directory: `--project` finds what was printed there.
CREATE TABLE cwds (
  id INTEGER PRIMARY KEY,
  pane INTEGER NOT NULL REFERENCES panes (id),
  row INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  cwd TEXT NOT NULL
);
CREATE INDEX cwds_pane ON cwds (pane, row);

-- Rows of a pane's log, at most 64 or 8 KiB, cut at logical lines. `continues`: begins inside one that was too long.
-- `text` joins soft wraps and parts lines by newlines; `lengths` are the rows' lengths in characters (u8, u16 or u32, little
-- endian; NULL: each line of the text is a row), `wraps` a byte a row (NULL: none wrapped), `times` pairs of u32 rows and i64
-- at_ms (NULL: all at first_ms).
-- `accented`: lower-casing ASCII is not all that folding would do to the text.
-- `closed_ms` is the newest instant of any row in this chunk and all with smaller ids: it tells a search when to stop.
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY,
  pane INTEGER NOT NULL REFERENCES panes (id),
  first_row INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  kind TEXT NOT NULL,
  continues INTEGER NOT NULL,
  accented INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  closed_ms INTEGER NOT NULL,
  lengths BLOB,
  wraps BLOB,
  times BLOB,
  text TEXT NOT NULL
);
CREATE INDEX chunks_pane ON chunks (pane, first_row);
CREATE INDEX chunks_time ON chunks (last_ms, first_ms);

-- The newest rows of a pane, not yet a whole chunk: rewritten with each commit, indexed once they are one.
CREATE TABLE open_chunks (
  pane INTEGER PRIMARY KEY REFERENCES panes (id),
  first_row INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  kind TEXT NOT NULL,
  continues INTEGER NOT NULL,
  accented INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  lengths BLOB,
  wraps BLOB,
  times BLOB,
  text TEXT NOT NULL
);

-- The tag (U+E000 and the pane's id, one token) lets a search in few panes skip the others' chunks inside the index.
CREATE VIEW chunk_documents AS SELECT id, text, char(57344) || pane AS tag FROM chunks;
CREATE VIRTUAL TABLE chunks_fts USING fts5 (
  text, tag, content = 'chunk_documents', content_rowid = 'id', columnsize = 0,
  tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE gaps (
  id INTEGER PRIMARY KEY,
  pane INTEGER NOT NULL REFERENCES panes (id),
  row INTEGER NOT NULL,
  missing INTEGER,
  reason TEXT NOT NULL,
  at_ms INTEGER NOT NULL
);
CREATE INDEX gaps_pane ON gaps (pane, row);

CREATE TABLE screens (
  pane INTEGER PRIMARY KEY REFERENCES panes (id),
  at_ms INTEGER NOT NULL,
  screen BLOB NOT NULL
);

CREATE TABLE checkpoints (
  pane INTEGER PRIMARY KEY REFERENCES panes (id),
  data BLOB NOT NULL
);
