// The queue that one would write for such a pipeline, in plain tables: when each
// account, list and video is next due, who has it, and a log of what was fetched.
import { setTimeout as sleep } from 'node:timers/promises'

export const tables = `
	CREATE TABLE job (
		id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, target text NOT NULL, sec_uid text,
		next_at timestamptz, leased_until timestamptz, last_success_at timestamptz, UNIQUE (kind, target));
	CREATE INDEX ON job (next_at) WHERE leased_until IS NULL;
	CREATE TABLE attempt (
		id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job bigint NOT NULL REFERENCES job,
		started_at timestamptz NOT NULL, finished_at timestamptz, outcome text, bytes integer);
	CREATE INDEX ON attempt (job)`

// a list waits for the profile, which shows its secUid
export const addAccounts = { name: 'add', text: `
	INSERT INTO job (kind, target, next_at)
	SELECT kind, handle, CASE kind WHEN 'profile' THEN now() END
	FROM unnest($1::text[]) handle CROSS JOIN unnest(ARRAY['profile', 'list']) kind` }
const claim = { name: 'claim', text: `
	WITH claimed AS (
		UPDATE job SET leased_until = now() + interval '2 minutes'
		WHERE id IN (SELECT id FROM job WHERE next_at <= now() AND leased_until IS NULL
			ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED)
		RETURNING id, kind, target, sec_uid
	), attempted AS (
		INSERT INTO attempt (job, started_at) SELECT id, now() FROM claimed RETURNING id, job
	)
	SELECT c.id, c.kind, c.target AS handle, c.sec_uid AS "secUid", a.id AS attempt
	FROM claimed c JOIN attempted a ON a.job = c.id` }
const finishJob = { name: 'finish_job', text: `
	UPDATE job SET next_at = now() + interval '1 day', leased_until = NULL, last_success_at = now() WHERE id = $1` }
const finishAttempt = { name: 'finish_attempt', text: `
	UPDATE attempt SET finished_at = now(), outcome = 'ok', bytes = $2 WHERE id = $1` }
const wakeList = { name: 'wake_list', text: `
	UPDATE job SET sec_uid = $2, next_at = now() WHERE kind = 'list' AND target = $1` }
const upsertVideoJobs = { name: 'video_jobs', text: `
	INSERT INTO job (kind, target, next_at, last_success_at)
	SELECT 'video', id, now() + interval '1 day', now() FROM unnest($1::text[]) id
	ON CONFLICT (kind, target) DO UPDATE SET next_at = excluded.next_at, last_success_at = excluded.last_success_at` }

// What is to be fetched, until so many pages were.
export function jobQueue(database, pages, batch) {
	let claimed = []
	let claiming
	let given = 0
	const finish = async (run, job, bytes) => {
		await run(finishJob, [job.id])
		await run(finishAttempt, [job.attempt, bytes])
	}
	return {
		async next() {
			while (claimed.length === 0 && given < pages) {
				claiming ??= database.query({ ...claim, values: [batch] }).then(({ rows }) => { claimed = rows; claiming = undefined })
				await claiming
				if (claimed.length === 0) await sleep(1)
			}
			if (claimed.length > 0) given++
			return claimed.pop()
		},
		async finishProfile(run, job, { secUid }, bytes) {
			await run(wakeList, [job.handle, secUid])
			await finish(run, job, bytes)
		},
		async finishList(run, job, { ids }, bytes) {
			await run(upsertVideoJobs, [ids])
			await finish(run, job, bytes)
		},
		profileStored() {}
	}
}
