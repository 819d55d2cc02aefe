/** Results read at a time: no statement stays open between them, so that writes go on, and a few megabytes are in memory. */
export const RESULT_PAGE = 8;
export const PART_PAGE = 64;

/** The ledger's statements; the tables are in `schema.sql`. */
export const SQL = {
  createJob: 'INSERT OR IGNORE INTO jobs (id, state, create_time, json) VALUES (?, ?, ?, ?)',
  getJob: 'SELECT json FROM jobs WHERE id = ?',
  updateJob: 'UPDATE jobs SET state = ?, json = ? WHERE id = ?',
  listJobs: `SELECT json FROM jobs
    WHERE (create_time, id) < (:time, :id) AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
    ORDER BY create_time DESC, id DESC LIMIT :limit`,
  createSplit: 'INSERT OR IGNORE INTO splits (job, split, start, "end", shards, rows) VALUES (?, ?, ?, ?, ?, ?)',
  getSplit: 'SELECT split, start, "end", shards, rows FROM splits WHERE job = ? AND split = ?',
  countSplits: 'SELECT count(*) AS count FROM splits WHERE job = ?',
  rowsBefore: 'SELECT coalesce(sum(rows), 0) AS rows FROM splits WHERE job = ? AND split < ?',
  createBody: 'INSERT INTO result_bodies (errors, runtime, details, bytes, object) VALUES (?, ?, ?, ?, ?)',
  createResult: 'INSERT INTO results (job, split, shard, rows, failed, body) VALUES (?, ?, ?, ?, ?, ?)',
  hasResult: 'SELECT 1 FROM results WHERE job = ? AND split = ? AND shard = ?',
  countResults: 'SELECT count(*) AS count FROM results WHERE job = ? AND split = ?',
  listResultShards: 'SELECT shard FROM results WHERE job = ? AND split = ? ORDER BY shard',
  readResults: `SELECT split, shard, rows, failed, errors, runtime, details, bytes, object
    FROM results JOIN result_bodies ON id = body WHERE job = ? AND split = ? AND shard > ? ORDER BY shard LIMIT ${RESULT_PAGE}`,
  createPart: 'INSERT OR IGNORE INTO parts (job, split, json) VALUES (?, ?, ?)',
  getPart: 'SELECT json FROM parts WHERE job = ? AND split = ?',
  countParts: 'SELECT count(*) AS count FROM parts WHERE job = ?',
  readParts: `SELECT split, json FROM parts WHERE job = ? AND split > ? ORDER BY split LIMIT ${PART_PAGE}`,
  recordFailure: 'INSERT OR REPLACE INTO failures (job, split, shard, json) VALUES (?, ?, ?, ?)',
  getFailure: 'SELECT json FROM failures WHERE job = ? AND split = ? AND shard = ?',
  planned: `SELECT count(*) AS splits, coalesce(sum(shards), 0) AS plannedShards, coalesce(sum(rows), 0) AS plannedRows
    FROM splits WHERE job = ?`,
  scored: `SELECT count(*) AS results, coalesce(sum(rows), 0) AS rows, coalesce(sum(failed), 0) AS failed
    FROM results WHERE job = ?`,
  someSplit: 'SELECT split FROM results WHERE job = ? LIMIT 1',
  deleteBodies: 'DELETE FROM result_bodies WHERE id IN (SELECT body FROM results WHERE job = ? AND split = ?)',
  deleteResults: 'DELETE FROM results WHERE job = ? AND split = ?',
  deleteSplits: 'DELETE FROM splits WHERE job = ?',
  deleteFailures: 'DELETE FROM failures WHERE job = ?',
  deleteParts: 'DELETE FROM parts WHERE job = ?',
  deleteJob: 'DELETE FROM jobs WHERE id = ?',
  freePages: 'PRAGMA freelist_count',
} as const;
