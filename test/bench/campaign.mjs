// Asks trackagoat, plain SQL and DuckDB the same questions about what campaign.sql
// made, in turn, and compares what they answer.  PostgreSQL is timed within the
// server, DuckDB around its query.
import { DuckDBInstance } from '@duckdb/node-api'
import { unlinkSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { performance } from 'node:perf_hooks'

const runs = 5
const directory = process.env.BENCH_DIR

// --- PostgreSQL -----------------------------------------------------------------------

function session() {
	const psql = spawn('psql', ['-qXAt', '-v', 'ON_ERROR_STOP=1'], { stdio: ['pipe', 'pipe', 'inherit'] })
	psql.on('exit', code => code && process.exit(code))
	const lines = createInterface({ input: psql.stdout })[Symbol.asyncIterator]()
	const run = async text => {
		psql.stdin.write(`${text}\n;\\echo done\n`)
		for (let answer = '';;) {
			const { value, done } = await lines.next()
			if (done) process.exit(1)
			if (value === 'done') return answer
			answer += value
		}
	}
	run.end = () => psql.stdin.end()
	psql.stdin.write(`SET search_path TO public, trackagoat; SET max_parallel_workers_per_gather = 2; SET timezone = 'UTC';\n`)
	return run
}
const sql = session()

// calls a procedure for both halves of the data at once
async function inHalves(call) {
	const sessions = [session(), session()]
	await Promise.all(sessions.map((run, half) => run(`CALL ${call(half)}`)))
	for (const run of sessions) run.end()
}

async function timedSql(query) {
	const [ms, answer] = (await sql(`SELECT ms || '|' || answer FROM timed(${literal(query)})`)).split('|')
	return { ms: Number(ms), answer }
}

const literal = text => `'${text.replaceAll("'", "''")}'`

// --- DuckDB, with what the ordinary tables hold ---------------------------------------

const counters = ['view', 'like', 'comment', 'share', 'save'].map(c => `${c}_count bigint`).join(', ')
const tables = {
	creator: 'id bigint, handle text, removed_at timestamp',
	video: `id bigint, creator_id bigint, status text, posted_at timestamp, ${counters}`,
	campaign_item: 'campaign_id bigint, creator_id bigint, video_id bigint, child_campaign_id bigint',
	snapshot: `video_id bigint, observed_at timestamp, ${counters}`,
	chosen: 'id bigint'
}
const duck = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()

async function load(table, query) {
	const file = `${directory}/${table}.csv`
	await sql(`COPY (${query}) TO '${file}' (FORMAT csv)`)
	await duck.run(`COPY ${table} FROM '${file}' (FORMAT csv, HEADER false)`)
	unlinkSync(file)
}

async function timedDuck(query) {
	const started = performance.now()
	const rows = (await duck.runAndReadAll(query)).getRows()
	return { ms: performance.now() - started, answer: String(rows[0][0]) }
}

// --- the questions ---------------------------------------------------------------------

const root = `id_of('a', 1)`

// totals of all that a campaign reaches; found is how its videos are found
const treeItems = table => `
	WITH RECURSIVE tree (id) AS (
		SELECT 1::bigint
		UNION SELECT i.child_campaign_id FROM tree t JOIN ${table} i ON i.campaign_id = t.id WHERE i.child_campaign_id IS NOT NULL),
	item AS (SELECT i.* FROM tree t JOIN ${table} i ON i.campaign_id = t.id)`
const counts = `v.status IN ('auto_tracked', 'included', 'direct_add') AND c.removed_at IS NULL`
const byUnion = video => `v.id IN (
	SELECT video_id FROM item WHERE video_id IS NOT NULL
	UNION SELECT w.id FROM item i JOIN ${video} w ON w.creator_id = i.creator_id)`
const byEither = `(v.creator_id IN (SELECT creator_id FROM item WHERE creator_id IS NOT NULL)
	OR v.id IN (SELECT video_id FROM item WHERE video_id IS NOT NULL))`
const totals = (suffix, found, rate) => `${treeItems(`campaign_item${suffix}`)}
	SELECT concat_ws(' ',
		(SELECT count(*) FROM creator${suffix} c WHERE c.removed_at IS NULL AND c.id IN (
			SELECT creator_id FROM item UNION SELECT v.creator_id FROM item i JOIN video${suffix} v ON v.id = i.video_id
			WHERE v.status IN ('auto_tracked', 'included', 'direct_add'))),
		count(*), sum(v.view_count), sum(v.like_count), sum(v.comment_count), sum(v.share_count), sum(v.save_count),
		${rate('sum(v.like_count + v.comment_count + v.share_count + v.save_count) * 100.0 / sum(v.view_count)')})
	FROM video${suffix} v LEFT JOIN creator${suffix} c ON c.id = v.creator_id WHERE ${counts} AND ${found}`
const total = {
	ours: `SELECT concat_ws(' ', creators, videos, views, likes, comments, shares, saves, round(engagement_rate, 4)) FROM campaign_stats(${root})`,
	sql: totals('_plain', byUnion('video_plain'), rate => `round(${rate}, 4)`),
	duckdb: totals('', byEither, rate => `printf('%.4f', ${rate})`)
}

// daily gains; the hours from UTC are spelled out for DuckDB, which is slow with zones
const window = ['2025-03-01', '2025-05-29']
const dayAfter = '2025-05-30'
const berlin = { name: 'Europe/Berlin', change: '2025-03-30 01:00', before: 1, after: 2 }
const newYork = { name: 'America/New_York', change: '2025-03-09 07:00', before: -5, after: -4 }
const answerDays = gain => `string_agg(day || ' ' || ${gain}, ' ' ORDER BY day)`
const sqlDays = (zone, videos, tree = '') => `${tree}
	SELECT ${answerDays('gain')} FROM (
		SELECT (observed_at AT TIME ZONE '${zone.name}')::date AS day, sum(gain) AS gain FROM (
			SELECT observed_at, view_count - lag(view_count) OVER (PARTITION BY video_id ORDER BY observed_at) AS gain
			FROM (${videos}) chosen JOIN snapshot_plain s ON s.video_id = chosen.id) g
		WHERE observed_at >= timestamp '${window[0]}' AT TIME ZONE '${zone.name}'
			AND observed_at < timestamp '${dayAfter}' AT TIME ZONE '${zone.name}'
		GROUP BY 1 HAVING sum(gain) <> 0) d`
const duckDays = (zone, videos, tree = '') => `${tree}
	SELECT ${answerDays('gain')} FROM (
		SELECT day, sum(gain) AS gain FROM (
			SELECT CAST(observed_at + CASE WHEN observed_at < TIMESTAMP '${zone.change}'
					THEN INTERVAL '${zone.before} hours' ELSE INTERVAL '${zone.after} hours' END AS date) AS day,
				view_count - lag(view_count) OVER (PARTITION BY video_id ORDER BY observed_at) AS gain
			FROM (${videos}) chosen JOIN snapshot s ON s.video_id = chosen.id) g
		WHERE day BETWEEN '${window[0]}' AND '${window[1]}'
		GROUP BY day HAVING sum(gain) <> 0) d`
const reached = (suffix, found) =>
	`SELECT v.id FROM video${suffix} v LEFT JOIN creator${suffix} c ON c.id = v.creator_id WHERE ${counts} AND ${found}`

const questions = {
	total,
	// the same, in the words that suit PostgreSQL's planner best
	totalEither: { ...total, sql: totals('_plain', byEither, rate => `round(${rate}, 4)`) },
	campaignDays: {
		ours: `SELECT string_agg(bucket || ' ' || trim_scale(value), ' ' ORDER BY bucket)
			FROM analytics('campaign', ARRAY[${root}], 'views', 'new', 'day', '${window[0]}', '${window[1]}') WHERE value <> 0`,
		sql: sqlDays(berlin, reached('_plain', byEither), treeItems('campaign_item_plain')),
		duckdb: duckDays(berlin, reached('', byEither), treeItems('campaign_item'))
	},
	seriesDays: {
		ours: `SELECT string_agg(day || ' ' || amounts[1], ' ' ORDER BY day) FROM (
			SELECT sum_gains(h.points, '${window[0]}', '${window[1]}', '${newYork.name}', 1) AS sums
			FROM chosen JOIN video_history h USING (video_id)) s, series_days(s.sums) d WHERE amounts[1] <> 0`,
		sql: sqlDays(newYork, 'SELECT id FROM chosen_plain'),
		duckdb: duckDays(newYork, 'SELECT id FROM chosen')
	}
}

function median(times) {
	const sorted = [...times].sort((a, b) => a - b)
	return Number(sorted[sorted.length >> 1].toPrecision(3))
}

// of the sides that the question has
async function ask(name, question) {
	const sides = { ours: timedSql, sql: timedSql, duckdb: timedDuck }
	const times = Object.fromEntries(Object.keys(question).map(side => [side, []]))
	const answers = {}
	// the first run warms up; what takes seconds is warm by the time it ends
	for (let run = 0; run <= runs; run++) {
		for (const side in times) {
			if (times[side].length === runs) continue
			const { ms, answer } = await sides[side](question[side])
			if (run || ms > 2000) times[side].push(ms)
			answers[side] = answer
		}
	}
	const same = answers.ours !== '' && Object.values(answers).every(answer => answer === answers.ours)
	if (!same) console.log(answers)
	console.log(`bench ${name} ${Object.keys(times).map(side => `${side}=${median(times[side])}`).join(' ')} same=${same ? 'yes' : 'no'}`)
}

// --- the run ---------------------------------------------------------------------------

await inHalves(half => `load_videos(${half})`)
await sql(`INSERT INTO campaign_item (campaign_id, creator_id, video_id, child_campaign_id)
	SELECT id_of('a', campaign_id), id_of('c', creator_id), id_of('d', video_id), id_of('a', child_campaign_id) FROM campaign_item_plain`)
await inHalves(half => `load_snapshots('snapshot_plain', ${half})`)
console.log(await sql(`SELECT format('bench bytes_sealed ours=%s sql=%s same=%s', round(pg_total_relation_size('video_history')::numeric / count(*), 1),
	round(pg_total_relation_size('snapshot_plain')::numeric / count(*), 1),
	CASE WHEN count(*) = (SELECT count(*) FROM video_snapshot) THEN 'yes' ELSE 'no' END) FROM snapshot_plain`))
await inHalves(half => `load_snapshots('other_plain', ${half})`)
await sql('INSERT INTO snapshot_plain SELECT * FROM other_plain')
await sql('SELECT refresh_totals()')
await sql('VACUUM (ANALYZE)')
console.log(await sql(`SELECT format('%s videos, %s snapshots; the root campaign reaches %s videos', (SELECT count(*) FROM video),
	(SELECT count(*) FROM snapshot_plain), (SELECT count(*) FROM campaign_videos(${root})))`))
for (const table in tables) {
	await duck.run(`CREATE TABLE ${table} (${tables[table]})`)
	await load(table, `SELECT * FROM ${table}_plain`)
}

await ask('campaign_total', questions.total)
await ask('campaign_total_either', questions.totalEither)
await ask('campaign_days', questions.campaignDays)
// PostgreSQL takes index descents for dearer than they are in memory, and would read
// and hash all of a table for a tenth of it; with the index, that tenth alone
await sql('SET enable_hashjoin = off')
await ask('series_days', questions.seriesDays)
await sql('RESET enable_hashjoin')
// its own choice; what SQL is asked it answers by the index in any case
const { ours, duckdb } = questions.seriesDays
await ask('series_days_hashed', { ours, duckdb })

// new numbers of 10,000 videos below the root, not folded
await duck.run(`CREATE TABLE more AS FROM snapshot LIMIT 0`)
await load('more', 'SELECT * FROM more_plain')
const change = suffix => `
	INSERT INTO snapshot${suffix} SELECT * FROM more${suffix};
	UPDATE video${suffix} v SET view_count = m.view_count, like_count = m.like_count, comment_count = m.comment_count,
		share_count = m.share_count, save_count = m.save_count FROM more${suffix} m WHERE m.video_id = v.id`
await sql(`SELECT observe_rows('SELECT * FROM more_plain'); ${change('_plain')}`)
await duck.run(change(''))
console.log(`${await sql('SELECT count(*) FROM total_difference')} differences are not folded`)
await ask('campaign_total_unfolded', questions.total)

// a video more in a campaign deep below the root, that nothing else brings
await sql('SELECT refresh_totals()')
const video = await sql('SELECT max(id) - 7 FROM video_plain')
await sql(`INSERT INTO campaign_item (campaign_id, video_id) VALUES (id_of('a', 450), id_of('d', ${video}))`)
for (const table of ['_plain', '']) {
	const insert = `INSERT INTO campaign_item${table} (campaign_id, video_id) VALUES (450, ${video})`
	await (table ? sql(insert) : duck.run(insert))
}
await ask('campaign_total_stale', questions.total)

sql.end()
