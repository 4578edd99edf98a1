-- What session files say of tokens, by turn and model: docs/topics/events.md.

-- `own_id`: the agent's own id of the session whose file said so; a run has several after a /clear. `turn` is the turn's
-- number, 0: none that the pane has shown. `at_ms`: the last that the file told of it. Input without what came from a cache.
CREATE TABLE turn_models (
  session INTEGER NOT NULL REFERENCES agent_sessions (id),
  own_id TEXT NOT NULL,
  turn INTEGER NOT NULL,
  model TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  reqs INTEGER NOT NULL,
  total INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cached INTEGER NOT NULL,
  output INTEGER NOT NULL,
  reasoning INTEGER NOT NULL,
  PRIMARY KEY (session, own_id, turn, model)
) WITHOUT ROWID;
