-- What shells ran: docs/topics/shell-commands.md. Instants, and text without secrets, as in 0001.

-- A shell that has told of itself; its token is what its words are believed by.
CREATE TABLE shells (
  pane INTEGER NOT NULL REFERENCES panes (id),
  token TEXT NOT NULL,
  shell TEXT NOT NULL,
  pid INTEGER NOT NULL,
  tty TEXT NOT NULL,
  host TEXT NOT NULL,
  version TEXT NOT NULL,
  -- It named the pane's own terminal.
  proven INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (pane, token)
) WITHOUT ROWID;

-- `number` is the shell's own; the token is empty where only semantic zones tell.
CREATE TABLE commands (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Rises with every change of any of them: who follows asks for greater ones.
  revision INTEGER NOT NULL UNIQUE,
  pane INTEGER NOT NULL REFERENCES panes (id),
  token TEXT NOT NULL,
  number INTEGER NOT NULL,
  -- NULL: the shell did not tell it.
  command TEXT,
  cut INTEGER NOT NULL,
  cwd TEXT,
  proven INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  exit_status INTEGER,
  -- By the shell's own clock.
  duration_ms INTEGER,
  UNIQUE (pane, token, number)
);
CREATE INDEX commands_time ON commands (started_ms);
CREATE INDEX commands_pane ON commands (pane, started_ms);

-- Holds no row: it counts.
CREATE TABLE command_changes (id INTEGER PRIMARY KEY AUTOINCREMENT);
