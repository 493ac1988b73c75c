// What one would write in Node.js to fetch, read and store the same pages: undici,
// JSON.parse, pg, and plain tables with the latest numbers and all snapshots.
import { Pool } from 'undici'

export const tables = `
	CREATE TABLE creator (
		handle text PRIMARY KEY, account_id bigint, sec_uid text, display_name text, bio text, avatar_url text,
		is_verified boolean, is_private boolean,
		follower_count bigint, following_count bigint, total_likes_count bigint, video_count bigint, last_scraped_at timestamptz);
	CREATE TABLE creator_snapshot (
		creator text NOT NULL REFERENCES creator, observed_at timestamptz,
		follower_count bigint, following_count bigint, total_likes_count bigint, video_count bigint,
		PRIMARY KEY (creator, observed_at));
	CREATE TABLE video (
		id bigint PRIMARY KEY, creator text NOT NULL REFERENCES creator, kind text NOT NULL, title text, posted_at timestamptz,
		duration integer, thumbnail_url text, hashtags text[], is_ad boolean,
		view_count bigint, like_count bigint, comment_count bigint, share_count bigint, save_count bigint, last_observed_at timestamptz);
	CREATE INDEX ON video (creator);
	CREATE TABLE video_snapshot (
		video bigint NOT NULL REFERENCES video, observed_at timestamptz,
		view_count bigint, like_count bigint, comment_count bigint, share_count bigint, save_count bigint,
		PRIMARY KEY (video, observed_at))`

const upsertCreator = { name: 'creator', text: `
	INSERT INTO creator VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
	ON CONFLICT (handle) DO UPDATE SET account_id = excluded.account_id, sec_uid = excluded.sec_uid,
		display_name = excluded.display_name, bio = excluded.bio, avatar_url = excluded.avatar_url,
		is_verified = excluded.is_verified, is_private = excluded.is_private, follower_count = excluded.follower_count,
		following_count = excluded.following_count, total_likes_count = excluded.total_likes_count,
		video_count = excluded.video_count, last_scraped_at = excluded.last_scraped_at` }
const insertCreatorSnapshot = { name: 'creator_snapshot', text: `
	INSERT INTO creator_snapshot VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING` }
const upsertVideos = { name: 'video', text: `
	INSERT INTO video
	SELECT id, $1, kind, title, to_timestamp(posted_at), duration, thumbnail_url, hashtags::text[], is_ad,
		view_count, like_count, comment_count, share_count, save_count, $2
	FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::integer[], $8::text[], $9::text[], $10::boolean[],
		$11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
		v (id, kind, title, posted_at, duration, thumbnail_url, hashtags, is_ad,
			view_count, like_count, comment_count, share_count, save_count)
	ON CONFLICT (id) DO UPDATE SET creator = excluded.creator, kind = excluded.kind, title = excluded.title,
		posted_at = excluded.posted_at, duration = excluded.duration, thumbnail_url = excluded.thumbnail_url,
		hashtags = excluded.hashtags, is_ad = excluded.is_ad, view_count = excluded.view_count,
		like_count = excluded.like_count, comment_count = excluded.comment_count, share_count = excluded.share_count,
		save_count = excluded.save_count, last_observed_at = excluded.last_observed_at` }
const insertVideoSnapshots = { name: 'video_snapshot', text: `
	INSERT INTO video_snapshot
	SELECT id, $1, view_count, like_count, comment_count, share_count, save_count
	FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
		v (id, view_count, like_count, comment_count, share_count, save_count)
	ON CONFLICT DO NOTHING` }

const script = /<script[^>]*\bid="__UNIVERSAL_DATA_FOR_REHYDRATION__"[^>]*>(.*?)<\/script>/s
const number = text => (text === undefined ? null : Number(text))

function readProfile(html) {
	const { userInfo, statusCode } = JSON.parse(script.exec(html)[1]).__DEFAULT_SCOPE__['webapp.user-detail']
	if (statusCode !== 0) throw new Error(`status ${statusCode}`)
	const { user, stats, statsV2 = stats } = userInfo
	return {
		handle: user.uniqueId, secUid: user.secUid,
		facts: [user.id, user.secUid, user.nickname, user.signature, user.avatarLarger, user.verified, user.privateAccount],
		counts: [statsV2.followerCount, statsV2.followingCount, statsV2.heartCount, statsV2.videoCount].map(number)
	}
}

function readList(json) {
	const { itemList = [], statusCode } = JSON.parse(json)
	if (statusCode !== 0) throw new Error(`status ${statusCode}`)
	const column = of => itemList.map(of)
	const count = key => itemList.map(({ stats, statsV2 = stats }) => number(statsV2[key]))
	return {
		ids: column(item => item.id),
		facts: [
			column(item => (item.imagePost ? 'photo' : 'video')),
			column(item => item.desc),
			column(item => item.createTime),
			column(item => item.video.duration),
			column(item => item.video.cover),
			column(item => `{${[...new Set((item.textExtra ?? []).map(tag => tag.hashtagName))].map(tag => JSON.stringify(tag)).join()}}`),
			column(item => item.isAd)
		],
		counts: ['playCount', 'diggCount', 'commentCount', 'shareCount', 'collectCount'].map(count)
	}
}

// What is to be fetched, from a list: each profile, then the list of its videos.
export function handleList(handles) {
	const lists = []
	let next = 0
	return {
		next: async () => lists.pop() ?? (next < handles.length ? { kind: 'profile', handle: handles[next++] } : undefined),
		finishProfile: async () => {},
		finishList: async () => {},
		profileStored: ({ handle }, { secUid }) => { lists.push({ kind: 'list', handle, secUid }) }
	}
}

// Fetches, reads and stores what a queue has, so many pages at a time.
export async function scrape(base, queue, database, parallel) {
	const web = new Pool(base, { connections: parallel })
	const get = async path => {
		const { statusCode, body } = await web.request({ path, method: 'GET' })
		if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`)
		return body.text()
	}
	const transaction = async work => {
		const client = await database.connect()
		try {
			await client.query('BEGIN')
			await work((query, values) => client.query({ ...query, values }))
			await client.query('COMMIT')
		} finally {
			client.release()
		}
	}
	const storeProfile = async job => {
		const text = await get(`/@${job.handle}`)
		const profile = readProfile(text)
		const at = new Date()
		await transaction(async run => {
			await run(upsertCreator, [profile.handle, ...profile.facts, ...profile.counts, at])
			await run(insertCreatorSnapshot, [profile.handle, at, ...profile.counts])
			await queue.finishProfile(run, job, profile, text.length)
		})
		queue.profileStored(job, profile)
	}
	const storeList = async job => {
		const text = await get(`/api/creator/item_list/?aid=1988&count=35&cursor=${Date.now()}&secUid=${job.secUid}&type=1`)
		const list = readList(text)
		const at = new Date()
		await transaction(async run => {
			await run(upsertVideos, [job.handle, at, list.ids, ...list.facts, ...list.counts])
			await run(insertVideoSnapshots, [at, list.ids, ...list.counts])
			await queue.finishList(run, job, list, text.length)
		})
	}
	await Promise.all(Array.from({ length: parallel }, async () => {
		for (let job; (job = await queue.next()) !== undefined;) await (job.kind === 'profile' ? storeProfile : storeList)(job)
	}))
	await web.close()
}
