-- What agents said and did: docs/topics/events.md. Instants, and text without secrets, as in 0001.

-- An agent's run in a pane. `number` counts the pane's sessions; the id, with an `s`, is how people name one.
CREATE TABLE agent_sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pane INTEGER NOT NULL REFERENCES panes (id),
  number INTEGER NOT NULL,
  agent TEXT NOT NULL,
  -- The agent's own name for it; NULL where none is known, or two fit.
  session_id TEXT,
  id_confidence REAL,
  id_source TEXT,
  id_ms INTEGER,
  -- The earlier session that this one resumed: it has the same session_id.
  continues INTEGER,
  version TEXT,
  model TEXT,
  plan TEXT,
  project TEXT,
  described_ms INTEGER,
  -- Its beginning was not seen.
  joined INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  end_mode TEXT,
  total_tokens INTEGER,
  input_tokens INTEGER,
  cached_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  wall_s REAL,
  active_s REAL,
  api_s REAL,
  tool_s REAL,
  tool_calls INTEGER,
  tool_calls_ok INTEGER,
  tool_calls_failed INTEGER,
  UNIQUE (pane, number),
  CHECK (ended_ms >= started_ms)
);
CREATE UNIQUE INDEX agent_sessions_open ON agent_sessions (pane) WHERE ended_ms IS NULL;
CREATE INDEX agent_sessions_time ON agent_sessions (started_ms);
CREATE INDEX agent_sessions_own_id ON agent_sessions (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE session_models (
  session INTEGER NOT NULL REFERENCES agent_sessions (id),
  model TEXT NOT NULL,
  reqs INTEGER,
  input INTEGER,
  cached INTEGER,
  output INTEGER,
  PRIMARY KEY (session, model)
) WITHOUT ROWID;

CREATE TABLE turns (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES agent_sessions (id),
  number INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  outcome TEXT,
  -- As printed, and in seconds.
  duration TEXT,
  duration_s REAL,
  tokens INTEGER,
  UNIQUE (session, number),
  CHECK (ended_ms >= started_ms)
);
CREATE UNIQUE INDEX turns_open ON turns (session) WHERE ended_ms IS NULL;

CREATE TABLE token_usage (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES agent_sessions (id),
  at_ms INTEGER NOT NULL,
  source TEXT NOT NULL,
  total INTEGER,
  input INTEGER,
  cached INTEGER,
  output INTEGER,
  reasoning INTEGER
);
CREATE INDEX token_usage_session ON token_usage (session, at_ms);

CREATE TABLE limits (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES agent_sessions (id),
  number INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  window TEXT,
  model TEXT,
  -- The reset's words; `kind` is absolute, relative or none.
  printed TEXT NOT NULL,
  kind TEXT,
  resets_ms INTEGER,
  plan TEXT,
  resumes_itself INTEGER NOT NULL,
  lifted_ms INTEGER,
  UNIQUE (session, number)
);

CREATE TABLE compactions (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES agent_sessions (id),
  number INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  -- auto or manual; sizes in tokens.
  trigger TEXT,
  before INTEGER,
  after INTEGER,
  UNIQUE (session, number)
);

-- AUTOINCREMENT: who follows asks for what has a greater id. `row` is a position in the pane's log, `fields` JSON.
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pane INTEGER NOT NULL REFERENCES panes (id),
  session INTEGER,
  at_ms INTEGER NOT NULL,
  agent TEXT NOT NULL,
  event TEXT NOT NULL,
  rule TEXT NOT NULL,
  severity TEXT NOT NULL,
  present INTEGER NOT NULL,
  region TEXT NOT NULL,
  row INTEGER,
  text TEXT NOT NULL,
  fields TEXT NOT NULL
);
CREATE INDEX events_pane ON events (pane, at_ms);
CREATE INDEX events_time ON events (at_ms);
CREATE INDEX events_event ON events (event, at_ms);
CREATE INDEX events_session ON events (session) WHERE session IS NOT NULL;

-- `signals`, `dialog` and `limited` are JSON.
CREATE TABLE transitions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pane INTEGER NOT NULL REFERENCES panes (id),
  session INTEGER,
  at_ms INTEGER NOT NULL,
  agent TEXT,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  confidence REAL NOT NULL,
  signals TEXT NOT NULL,
  dialog TEXT,
  limited TEXT
);
CREATE INDEX transitions_pane ON transitions (pane, at_ms);
CREATE INDEX transitions_time ON transitions (at_ms);
CREATE INDEX transitions_session ON transitions (session) WHERE session IS NOT NULL;
