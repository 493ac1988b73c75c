// The site that scripts/soak has fetched: node site.mjs PORT BORN
//
// Accounts goat.1, goat.2, ... whose counters grow with the clock and which post now
// and then, on pages of 20 to 50 KB as TikTok writes them, also those that the embedded
// pages show.  Some requests fail, drawn by chance, one account in 200 is gone, and all
// answers take their time.  What an account and its videos are follows from their
// numbers and from BORN (Unix seconds), the moment that old videos are older than.
import { createServer } from 'node:http'

const [port, born] = process.argv.slice(2).map(Number)
const day = 86400
const newPostEvery = 3 * 3600
const pageSize = 15
// longer than the worker waits (ms)
const tooLate = 4000

// --- chance ------------------------------------------------------------------------------

// in [0, 1), of an account, a video and what is asked
function chance(n, k, salt) {
	let x = Math.imul(n, 0x9e3779b1) ^ Math.imul(k + 1, 0x85ebca6b) ^ Math.imul(salt, 0xc2b2ae35)
	x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d)
	x = Math.imul(x ^ (x >>> 12), 0x297a2d39)
	return ((x ^ (x >>> 15)) >>> 0) / 4294967296
}

const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-'
const noise = Array.from({ length: 1 << 16 }, (_, i) => digits[Math.floor(64 * chance(i, 0, 1))]).join('')
const token = (n, k, salt, length) => { const at = Math.floor((noise.length - length) * chance(n, k, salt)); return noise.slice(at, at + length) }
const words = 'goat hay fence barn milk kid horns meadow hooves bleat clover cheese farm herd wool graze mountain climb'.split(' ')
const sentence = (n, k, length) => Array.from({ length }, (_, i) => words[Math.floor(words.length * chance(n, k, 100 + i))]).join(' ')

// --- accounts and videos -------------------------------------------------------------------

// TikTok rounds what is large
const rounded = count => { const step = count >= 1e6 ? 1e5 : count >= 1e4 ? 100 : 1; return Math.floor(count / step + 0.5) * step }
const now = () => Date.now() / 1000

function account(n) {
	const image = size => `https://p16.example.test/${token(n, 0, size, 40)}~${size}.jpeg?x-expires=${born + 2 * day}&x-signature=${token(n, 1, size, 27)}`
	return {
		id: String((BigInt(born - 900 * day) << 32n) | BigInt(n)), uniqueId: `goat.${n}`, nickname: `Goat ${n} 🐐`,
		avatarLarger: image(1080), avatarMedium: image(720), avatarThumb: image(100), signature: `${sentence(n, 0, 6)}\nmade for trackagoat`,
		verified: n % 20 === 0, secUid: `MS4wLjABAAAA${String(n).padStart(64, '0')}`, privateAccount: false, secret: false, ftc: false, relation: 0
	}
}

function accountStats(n) {
	const followers = 10 ** (2 + 4 * chance(n, 0, 2))
	const counts = { followerCount: Math.floor(followers * (1 + (now() - born) / 40 / day)), followingCount: Math.floor(900 * chance(n, 0, 3)),
		heartCount: Math.floor(followers * (8 + (now() - born) / day)), videoCount: videoNumbers(n).length, diggCount: 0, friendCount: 3 }
	return { ...counts, heart: counts.heartCount }
}

// From 1000 on they are new posts; one account in ten has more than a page of old ones.
// Of accounts from 10000 on, only the one video of a day ago is asked for.
const postedAt = (n, k) => Math.floor(n >= 10000 ? born - day
	: k < 1000 ? born - 4 * day - 1.5 * day * (k + chance(n, k, 4))
		: born + newPostEvery * (k - 1000 + chance(n, 0, 5)))
function videoNumbers(n) {
	if (n >= 10000) return [0]
	const numbers = Array.from({ length: n % 10 === 0 ? 40 : 12 }, (_, k) => k)
	for (let k = 1000; postedAt(n, k) < now(); k++) numbers.unshift(k)
	return numbers
}
const videoId = (n, k) => String((BigInt(postedAt(n, k)) << 32n) | BigInt(n * 2048 + k))

function video(n, k) {
	const grown = now() - Math.max(postedAt(n, k), born)
	const views = Math.floor(10 ** (2 + 4 * chance(n, k, 6)) * ((k < 1000 ? 1 : 0) + grown * chance(n, k, 7) ** 2 / 3600))
	const part = (salt, most) => Math.floor(views * most * chance(n, k, salt))
	const image = what => `https://p16.example.test/${token(n, k, what.length, 60)}~${what}.image?x-expires=${born + 2 * day}&x-signature=${token(n, k, 9, 27)}`
	const tags = words.slice(Math.floor(14 * chance(n, k, 8))).slice(0, 3)
	const stats = { playCount: rounded(views), diggCount: rounded(part(10, 0.12)), commentCount: rounded(part(11, 0.01)),
		shareCount: rounded(part(12, 0.02)), collectCount: part(13, 0.02) }
	return {
		id: videoId(n, k), desc: `${sentence(n, k, 8)} ${tags.map(tag => `#${tag}`).join(' ')}`, createTime: postedAt(n, k), scheduleTime: 0,
		video: { id: videoId(n, k), height: 1024, width: 576, duration: 5 + Math.floor(90 * chance(n, k, 14)), ratio: '540p',
			cover: image('cover'), originCover: image('origin'), dynamicCover: image('dynamic'),
			playAddr: `https://v16.example.test/video/${token(n, k, 15, 600)}`, format: 'mp4', codecType: 'h264' },
		author: account(n), stats, statsV2: Object.fromEntries(Object.entries(stats).map(([key, count]) => [key, String(count)])),
		music: { id: '7', title: `original sound - ${sentence(n, k, 2)}`, playUrl: `https://v16.example.test/music/${token(n, k, 16, 200)}`, duration: 34 },
		challenges: tags.map((title, i) => ({ id: String(i + 1), title, desc: '' })), textExtra: tags.map(hashtagName => ({ hashtagName, type: 1 })),
		authorStats: accountStats(n), isAd: false, shareEnabled: true, duetEnabled: true, collected: false, textLanguage: 'en'
	}
}

// --- pages -----------------------------------------------------------------------------------

const translations = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${words[i % 18]}_${i}`, `${sentence(i, 0, 9)} {count} "${words[i % 7]}"`]))
const html = (id, data) => `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>TikTok</title><!-- synthetic --></head><body><div id="app"></div>` +
	`<script id="${id}" type="application/json">${JSON.stringify(data).replaceAll('/', '\\u002F')}</script></body></html>\n`
const page = scope => html('__UNIVERSAL_DATA_FOR_REHYDRATION__', { __DEFAULT_SCOPE__: { 'webapp.app-context': { language: 'en', region: 'US' },
	'webapp.i18n-translation': { Webapp: translations }, 'seo.abtest': { vidList: [] }, ...scope } })
const embed = (path, data) => html('__FRONTITY_CONNECT_STATE__', { frontity: { mode: 'html' }, source: { api: '', data: { [path]: data } } })

function profilePage(n) {
	const exact = accountStats(n)
	const all = change => Object.fromEntries(Object.entries(exact).map(([key, count]) => [key, change(count)]))
	return page({ 'webapp.user-detail': { userInfo: { user: account(n), stats: all(rounded), statsV2: all(String), itemList: [] }, statusCode: 0, statusMsg: '' } })
}

const videoPage = (n, k) => page({ 'webapp.video-detail': { itemInfo: { itemStruct: video(n, k) }, statusCode: 0, statusMsg: '' } })

function listPage(n, cursor) {
	const older = videoNumbers(n).filter(k => postedAt(n, k) * 1000 < cursor)
	return JSON.stringify({ cursor: '0', extra: { now: Date.now(), logid: token(n, 0, 17, 34) }, hasMorePrevious: older.length > pageSize,
		itemList: older.slice(0, pageSize).map(k => video(n, k)), statusCode: 0, status_code: 0 })
}

function embeddedProfile(n) {
	const stats = accountStats(n)
	const { id, uniqueId, nickname, signature, avatarThumb, verified } = account(n)
	return embed(`/embed/@${uniqueId}`, { isReady: true, userInfo: { id, uniqueId, nickname, signature, avatarThumbUrl: avatarThumb, verified, privateAccount: false,
		followerCount: rounded(stats.followerCount), followingCount: stats.followingCount, heartCount: rounded(stats.heartCount), videoCount: stats.videoCount },
	videoList: videoNumbers(n).slice(0, 10).map(k => video(n, k)).map(item => ({ id: item.id, desc: item.desc, coverUrl: item.video.cover,
		originCoverUrl: item.video.originCover, playCount: item.stats.playCount, authorUniqueId: uniqueId })) })
}

function embeddedVideo(n, k) {
	const item = video(n, k)
	return embed(`/embed/v2/${item.id}`, { videoData: { itemInfos: { id: item.id, text: item.desc, createTime: String(item.createTime), ...item.stats,
		covers: [item.video.cover], video: { urls: [], videoMeta: { duration: item.video.duration } } },
	authorInfos: { uniqueId: item.author.uniqueId, nickName: item.author.nickname, secUid: item.author.secUid } } })
}

const oembed = (n, k) => JSON.stringify({ version: '1.0', type: 'video', title: sentence(n, k, 8), author_unique_id: `goat.${n}`,
	embed_product_id: videoId(n, k), embed_type: 'video' })

// What a URL shows; nothing where there is no such account or video.
function answer(url) {
	const numbers = id => [Number(BigInt.asUintN(31, BigInt(id)) / 2048n), Number(BigInt.asUintN(11, BigInt(id)))]
	let found
	if ((found = /^\/(embed\/)?@goat\.(\d+)$/.exec(url.pathname))) return found[2] % 200 === 0 ? undefined : (found[1] ? embeddedProfile : profilePage)(Number(found[2]))
	if ((found = /^\/@_\/video\/(\d+)$/.exec(url.pathname))) return videoPage(...numbers(found[1]))
	if ((found = /^\/embed\/v2\/(\d+)$/.exec(url.pathname))) return embeddedVideo(...numbers(found[1]))
	if (url.pathname === '/oembed') return oembed(...numbers(/(\d+)$/.exec(url.searchParams.get('url'))[1]))
	if (url.pathname === '/api/creator/item_list/') return listPage(Number(url.searchParams.get('secUid').slice(12)), Number(url.searchParams.get('cursor')))
}

// --- the server --------------------------------------------------------------------------------

// how one request in twenty fails, and how often of a thousand
const failures = { missing: 15, error: 10, empty: 10, shell: 5, late: 5, broken: 5 }

function drawFailure() {
	let at = Math.floor(1000 * Math.random())
	return Object.keys(failures).find(failure => (at -= failures[failure]) < 0)
}

const server = createServer((request, response) => {
	const failure = drawFailure()
	const url = new URL(request.url, 'http://localhost')
	setTimeout(() => {
		const body = failure === 'empty' ? '' : failure === 'shell' ? page({}) : answer(url)
		if (failure === 'missing' || body === undefined) response.writeHead(404).end('<html><body>404</body></html>')
		else if (failure === 'error') response.writeHead(500).end('<html><body>500</body></html>')
		else if (failure === 'broken') {
			response.writeHead(200, { 'Content-Length': Buffer.byteLength(body) })
			response.write(body.slice(0, body.length / 2), () => request.socket.destroy())
		} else response.writeHead(200, { 'Content-Length': Buffer.byteLength(body) }).end(body)
	}, failure === 'late' ? tooLate : 10 + 80 * Math.random())
})
server.keepAliveTimeout = 60_000
server.listen(port, '127.0.0.1')
