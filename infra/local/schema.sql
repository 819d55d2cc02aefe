-- The ledger of one machine. Columns hold what is asked for or counted; the rest of a record is JSON or bytes.

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  create_time TEXT NOT NULL,
  json TEXT NOT NULL
) STRICT;

CREATE INDEX jobs_newest_first ON jobs (create_time DESC, id DESC, state);

CREATE TABLE splits (
  job TEXT NOT NULL,
  split INTEGER NOT NULL,
  start INTEGER NOT NULL,
  "end" INTEGER NOT NULL,
  shards INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  PRIMARY KEY (job, split)
) STRICT, WITHOUT ROWID;

-- Counting results must not touch their lines: they are in a table of their own, found by its rowid.
CREATE TABLE results (
  job TEXT NOT NULL,
  split INTEGER NOT NULL,
  shard INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  body INTEGER NOT NULL,
  PRIMARY KEY (job, split, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE result_bodies (
  id INTEGER PRIMARY KEY,
  errors TEXT NOT NULL,
  runtime TEXT,
  -- Metrics and outputs, as JSON.
  details TEXT NOT NULL,
  -- The lines themselves, or as JSON the object and range that hold them.
  bytes BLOB,
  object TEXT,
  CHECK ((bytes IS NULL) <> (object IS NULL))
) STRICT;

CREATE TABLE parts (
  job TEXT NOT NULL,
  split INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (job, split)
) STRICT;

CREATE TABLE failures (
  job TEXT NOT NULL,
  split INTEGER NOT NULL,
  shard INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (job, split, shard)
) STRICT, WITHOUT ROWID;
