// Has a site on this machine scraped by trackagoat's workers and by a pipeline in
// Node.js, in turn, at equal durability, and compares what they stored; curl only
// fetches.  What is printed are medians, in pages a second.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, rmSync, statSync, writeFileSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { handleList, scrape, tables } from './scrape_pipeline.mjs'
import { addAccounts, jobQueue, tables as queueTables } from './scrape_queue.mjs'
import { writeSite } from './scrape_site.mjs'

const runs = 3
// no round begins later than this (ms)
const enough = 180_000
const directory = `${process.env.BENCH_DIR}/scrape`
const { uid, gid } = statSync(process.env.BENCH_DIR)

// --- PostgreSQL -----------------------------------------------------------------------

async function connect(database) {
	const client = new pg.Client({ database })
	await client.connect()
	// one whose database is dropped
	client.on('error', () => {})
	client.value = async query => Object.values((await client.query({ text: query, rowMode: 'array' })).rows[0])[0]
	return client
}

const admin = await connect('postgres')
async function configure(settings) {
	for (const [name, value] of Object.entries(settings)) {
		await admin.query(value === null ? `ALTER SYSTEM RESET ${name}` : `ALTER SYSTEM SET ${name} = '${value}'`)
	}
	await admin.query('SELECT pg_reload_conf()')
}

const kilobytes = pid => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])

// what was stored, of either side, in the order of writeSite()'s sums
const counters = ['view', 'like', 'comment', 'share', 'save'].map(name => `sum(${name}_count)`).join()
const stored = `SELECT concat_ws(' ',
	(SELECT concat_ws(' ', count(*), sum(follower_count), sum(following_count), sum(total_likes_count), sum(video_count)) FROM creator),
	(SELECT concat_ws(' ', count(*), ${counters}, sum(duration), sum(extract(epoch FROM posted_at)::bigint),
		sum(octet_length(title || thumbnail_url)), sum(cardinality(hashtags))) FROM video))`
const snapshots = `SELECT concat_ws(' ',
	(SELECT concat_ws(' ', count(*), sum(follower_count), sum(following_count), sum(total_likes_count), sum(video_count)) FROM creator_snapshot),
	(SELECT concat_ws(' ', count(*), ${counters}) FROM video_snapshot))`

// whether a side stored the whole site
async function compare(side, client, site) {
	const found = [await client.value(stored), await client.value(snapshots)]
	// of each there is one snapshot, with the same numbers
	const wanted = [site.sums, site.sums.split(' ').slice(0, 11).join(' ')]
	const same = String(found) === String(wanted)
	if (!same) console.log({ side, found, wanted })
	return same
}

const doneJobs = 'next_at > now() AND leased_until IS NULL'

// whether each account, list and video has its job, which is done, and each page its attempt
async function compareQueue(side, client, site, job, attempt, done) {
	const found = await client.value(`SELECT concat_ws(' ', (SELECT count(*) FROM ${job}), (SELECT count(*) FROM ${job} WHERE ${done}),
		(SELECT count(*) FROM ${attempt} WHERE outcome = 'ok'), (SELECT count(*) FROM ${attempt}))`)
	const pages = 2 * site.accounts.length
	const jobs = pages + Number(site.sums.split(' ')[5])
	const same = found === [jobs, jobs, pages, pages].join(' ')
	if (!same) console.log({ side, found, jobs, pages })
	return same
}

// --- the site ---------------------------------------------------------------------------

async function freePort() {
	const server = createServer().listen(0, '127.0.0.1')
	await new Promise(done => server.once('listening', done))
	const { port } = server.address()
	await new Promise(done => server.close(done))
	return port
}

async function startNginx(port) {
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${directory}/run/${name};`).join(' ')
	mkdirSync(`${directory}/run`)
	execFileSync('chown', ['-R', `${uid}:${gid}`, `${directory}/run`])
	writeFileSync(`${directory}/nginx.conf`, `
		daemon off; worker_processes 1; pid ${directory}/run/pid; error_log ${directory}/run/error.log;
		events { worker_connections 512; }
		http {
			${temporary}
			access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
			types { text/html html; application/json json; }
			server {
				listen 127.0.0.1:${port};
				root ${directory};
				location ~ ^/@(?<handle>[^/]+)$ { try_files /profile/$handle.html =404; }
				location = /api/creator/item_list/ { try_files /item_list/$arg_secUid.json =404; }
			}
		}`)
	const nginx = spawn('nginx', ['-e', `${directory}/run/error.log`, '-c', `${directory}/nginx.conf`], { uid, gid, cwd: directory, stdio: 'inherit' })
	for (let tries = 0; ; tries++) {
		if (nginx.exitCode !== null || tries === 100) throw new Error('nginx does not answer')
		if (await fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false)) return nginx
		await sleep(50)
	}
}

// --- the sides: each answers pages a second ------------------------------------------------

// The workers, one for each core, new processes with a new database, from when they may fetch.
async function ours(site) {
	await configure({ 'trackagoat.enabled': 'off' })
	await admin.query('DROP DATABASE IF EXISTS scrape_ours WITH (FORCE)')
	await admin.query('CREATE DATABASE scrape_ours TEMPLATE scrape')
	const client = await connect('scrape_ours')
	await client.query('SET search_path TO trackagoat')
	const status = async () => (await client.query(`SELECT array_agg(pid) AS pids, sum(requests)::integer AS requests,
		sum(failures)::integer AS failures, bool_and(state = 'disabled') AS ready FROM worker_status()`)).rows[0]
	while (!(await status()).ready) await sleep(100)
	await admin.query('CHECKPOINT')

	// the server counts the requests of earlier workers as well
	const earlier = await status()
	const pages = 2 * site.accounts.length
	const warm = Math.min(1000, pages / 2)
	// of each worker its sizes, from when it may be said to be warm
	const sizes = []
	const started = performance.now()
	await configure({ 'trackagoat.enabled': 'on' })
	for (let requests = 0; requests < pages;) {
		const { pids, requests: done, failures } = await status()
		if (failures > earlier.failures) throw new Error(JSON.stringify((await client.query('SELECT outcome, detail FROM scrape_attempt WHERE outcome <> $1 LIMIT 1', ['ok'])).rows))
		requests = done - earlier.requests
		if (requests >= warm) sizes.push(pids.map(kilobytes))
		await sleep(10)
	}
	const seconds = (performance.now() - started) / 1000
	const same = await compare('ours', client, site) &&
		await compareQueue('ours', client, site, 'scrape_job', 'scrape_attempt', doneJobs)
	await client.end()
	const workers = sizes[0].map((first, n) => ({ first, most: Math.max(...sizes.map(all => all[n])), last: sizes.at(-1)[n] }))
	return { rate: pages / seconds, same, warm, workers }
}

// The pipeline, with a queue and a log in tables as ours has them, or told by a list what to fetch.
async function node(site, parallel, queued, handles = site.accounts.map(account => account.handle)) {
	await admin.query('DROP DATABASE IF EXISTS scrape_node')
	await admin.query('CREATE DATABASE scrape_node')
	const client = await connect('scrape_node')
	await client.query(tables)
	await client.query(queueTables)
	if (queued) await client.query({ ...addAccounts, values: [handles] })
	await client.query('VACUUM (ANALYZE)')
	await admin.query('CHECKPOINT')
	const database = new pg.Pool({ database: 'scrape_node', max: parallel })
	const pages = 2 * handles.length
	const started = performance.now()
	await scrape(site.url, queued ? jobQueue(database, pages, parallel) : handleList(handles), database, parallel)
	const seconds = (performance.now() - started) / 1000
	await database.end()
	const side = queued ? 'node' : 'plain'
	const same = handles.length < site.accounts.length || await compare(side, client, site) &&
		(!queued || await compareQueue(side, client, site, 'job', 'attempt', doneJobs))
	await client.end()
	return { rate: pages / seconds, same }
}

function curl(site) {
	const urls = site.accounts.flatMap(({ handle, secUid }) => [`/@${handle}`, `/api/creator/item_list/?aid=1988&secUid=${secUid}`])
	writeFileSync(`${directory}/urls`, urls.map(path => `url = "${site.url}${path}"\noutput = "/dev/null"\n`).join(''))
	const started = performance.now()
	execFileSync('curl', ['-q', '--silent', '--show-error', '--no-progress-meter', '--fail', '--parallel', '--parallel-max', '16', '--config', `${directory}/urls`], { stdio: ['ignore', 'ignore', 'pipe'] })
	return { rate: urls.length / (performance.now() - started) * 1000, same: true }
}

// --- the run -----------------------------------------------------------------------------------

const median = numbers => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]

const template = await connect('scrape')
const count = Number(await template.value('SELECT count(*) FROM trackagoat.creator'))
await template.end()
mkdirSync(directory)
const site = writeSite(directory, count)
const port = await freePort()
site.url = `http://127.0.0.1:${port}`
const nginx = await startNginx(port)
process.on('exit', () => nginx.kill())
console.log(`${2 * count} pages, ${Math.round(site.bytes / 2 / count / 1000)} KB each; for this benchmark fsync is on`)
await configure({
	fsync: 'on', 'trackagoat.base_url': site.url, 'trackagoat.allow_private_addresses': 'on',
	'trackagoat.requests_per_minute': 600000, 'trackagoat.max_parallel': 16
})

// how many at a time suits the pipeline best
const trials = []
for (const parallel of [8, 16, 32]) {
	trials.push({ parallel, ...await node(site, parallel, true, site.accounts.slice(0, Math.ceil(count / 5)).map(account => account.handle)) })
}
const best = trials.reduce((a, b) => (b.rate > a.rate ? b : a)).parallel
console.log(`Node.js: ${trials.map(({ parallel, rate }) => `${Math.round(rate)} pages/s with ${parallel} at a time`).join(', ')}`)

const results = { ours: [], node: [], plain: [], curl: [] }
const begun = performance.now()
for (let run = 0; run < runs && performance.now() - begun < enough; run++) {
	results.ours.push(await ours(site))
	results.node.push(await node(site, best, true))
	results.plain.push(await node(site, best, false))
	results.curl.push(curl(site))
	console.log(Object.entries(results).map(([side, all]) => `${side} ${Math.round(all.at(-1).rate)} pages/s`).join(', '))
}
const idle = await connect('postgres')
const idleSize = kilobytes(await idle.value('SELECT pg_backend_pid()'))
await idle.end()

const rate = side => Number(median(results[side].map(result => result.rate)).toPrecision(3))
const same = Object.values(results).flat().every(result => result.same) ? 'yes' : 'no'
const workers = results.ours.flatMap(({ warm, workers }) => workers.map(worker => ({ warm, ...worker })))
const growth = Math.max(...workers.map(({ most, first }) => most - first))
const above = Math.max(...workers.map(({ most }) => most)) - idleSize
console.log(`RssAnon of each worker: ${workers.map(({ warm, first, most, last }) => `${first} kB at page ${warm}, ${last} at the last, ${most} at most`).join('; ')}; an idle backend ${idleSize} kB`)
console.log(`bench scrape ours=${rate('ours')} node=${rate('node')} plain=${rate('plain')} curl=${rate('curl')} ratio=${(rate('ours') / rate('node')).toFixed(2)} same=${same}`)
console.log(`bench scrape_growth ours=${(growth / 1024).toFixed(1)}`)
console.log(`bench scrape_memory ours=${(above / 1024).toFixed(1)}`)

await configure({ fsync: null, 'trackagoat.base_url': null, 'trackagoat.allow_private_addresses': null,
	'trackagoat.requests_per_minute': null, 'trackagoat.max_parallel': null, 'trackagoat.enabled': null })
await admin.query('DROP DATABASE scrape_ours WITH (FORCE)')
await admin.query('DROP DATABASE scrape_node')
await admin.end()
nginx.kill()
rmSync(directory, { recursive: true })
