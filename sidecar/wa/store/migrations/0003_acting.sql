-- What was done to panes, by whom, and what is to be done: docs/topics/acting.md. Instants, and text without secrets, as in 0001.

-- One row per action: the intent before the effect, and what came of it. `key` is the caller's, so that nothing is done twice.
CREATE TABLE actions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  pane INTEGER REFERENCES panes (id),
  at_ms INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  -- JSON: the action in words, secrets taken out; then `fingerprint` is '' (a hash of a short secret tells it).
  what TEXT NOT NULL,
  -- allow, deny or ask; the policy's rule, and why.
  decision TEXT NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  dry_run INTEGER NOT NULL,
  -- decided, typing, submitting, ended.
  stage TEXT NOT NULL,
  -- When the first write was announced; NULL: nothing was ever typed.
  typed_ms INTEGER,
  outcome TEXT,
  detail TEXT,
  evidence TEXT,
  ended_ms INTEGER,
  run INTEGER REFERENCES workflow_runs (id),
  step INTEGER
);
CREATE INDEX actions_pane ON actions (pane, at_ms);
CREATE INDEX actions_time ON actions (at_ms);
CREATE INDEX actions_open ON actions (id) WHERE stage <> 'ended';

-- Approvals. A grant is good for one action of this fingerprint on this pane.
CREATE TABLE grants (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pane INTEGER NOT NULL REFERENCES panes (id),
  fingerprint TEXT NOT NULL,
  what TEXT NOT NULL,
  asked_ms INTEGER NOT NULL,
  asked_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  -- asked, granted, denied, used.
  status TEXT NOT NULL,
  decided_ms INTEGER,
  expires_ms INTEGER NOT NULL
);
CREATE INDEX grants_open ON grants (pane, fingerprint) WHERE status IN ('asked', 'granted');

-- `scope` is all, agent or pane; `name` the agent's or the pane's uid, '' for all.
CREATE TABLE pauses (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  until_ms INTEGER,
  reason TEXT NOT NULL,
  PRIMARY KEY (scope, name)
) WITHOUT ROWID;

-- Texts that wait for an agent to be idle.
CREATE TABLE queued (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pane INTEGER NOT NULL REFERENCES panes (id),
  key TEXT NOT NULL UNIQUE,
  at_ms INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  text TEXT NOT NULL,
  submit INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  -- waiting, sent, cancelled, expired, failed.
  status TEXT NOT NULL,
  action INTEGER REFERENCES actions (id),
  detail TEXT
);
CREATE INDEX queued_open ON queued (pane, id) WHERE status = 'waiting';

-- Turned on for all panes (pane NULL) or for one; turned off by `enabled` 0.
CREATE TABLE workflow_switches (
  name TEXT NOT NULL,
  pane INTEGER REFERENCES panes (id),
  enabled INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX workflow_switches_one ON workflow_switches (name, ifnull(pane, 0));

CREATE TABLE workflow_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workflow TEXT NOT NULL,
  version TEXT NOT NULL,
  pane INTEGER REFERENCES panes (id),
  -- Two triggers of one key are one.
  key TEXT NOT NULL UNIQUE,
  -- JSON: wa.act.workflow.Context.
  context TEXT NOT NULL,
  -- live, observe or dry.
  mode TEXT NOT NULL,
  status TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  wake_ms INTEGER,
  ended_ms INTEGER,
  outcome TEXT,
  detail TEXT
);
CREATE INDEX workflow_runs_open ON workflow_runs (id) WHERE ended_ms IS NULL;
CREATE INDEX workflow_runs_pane ON workflow_runs (pane, id);

-- The journal: a command is written before it is carried out, its reply after.
CREATE TABLE workflow_steps (
  run INTEGER NOT NULL REFERENCES workflow_runs (id),
  number INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  command TEXT NOT NULL,
  reply TEXT,
  replied_ms INTEGER,
  PRIMARY KEY (run, number)
) WITHOUT ROWID;

-- The newest event that the workflows have seen.
CREATE TABLE workflow_seen (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  event INTEGER NOT NULL
);

CREATE TABLE notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  pane INTEGER REFERENCES panes (id),
  needs_you INTEGER NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  -- JSON: channel → delivered, suppressed (why), failed (why).
  delivered TEXT NOT NULL
);
CREATE INDEX notices_key ON notices (key, at_ms);
