// Writes the site that scrape.mjs has fetched: of each account goat.N a profile page
// and a list of its videos, about 200 KB each, as TikTok writes them, and says what
// they add up to.  The same accounts give the same bytes.
import { mkdirSync, writeFileSync } from 'node:fs'

const now = 1764547200 // 2025-12-01
const day = 86400

// --- chance, the same each time ----------------------------------------------------------

// mulberry32
function dice(seed) {
	const next = () => {
		seed = (seed + 0x6d2b79f5) | 0
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296
	}
	const below = n => Math.floor(next() * n)
	return { next, below, between: (a, b) => a + below(b - a + 1), of: list => list[below(list.length)] }
}

const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-'
const common = dice(1)
const noise = Array.from({ length: 1 << 17 }, () => common.of(digits)).join('')
const token = (chance, length) => { const at = chance.below(noise.length - length); return noise.slice(at, at + length) }
// an id whose upper half is the time it was allotted, as text since it passes 2^53
const snowflake = (chance, time) => String((BigInt(time) << 32n) | BigInt(chance.below(2 ** 31)))
// TikTok rounds what is large
const rounded = count => { const step = count >= 1e6 ? 1e5 : count >= 1e4 ? 100 : 1; return Math.floor(count / step + 0.5) * step }

// --- what pages hold beside the account ---------------------------------------------------

const words = 'goat hay fence barn milk kid horns meadow hooves bleat clover cheese farm herd wool graze mountain climb yoga soap dairy alpine pygmy nanny billy'.split(' ')
const tags = 'goat goatsoftiktok farmlife babygoat goatyoga cheese homestead fyp foryou dê chèvre ziege'.split(' ')
const sentence = (chance, n) => Array.from({ length: n }, () => chance.of(words)).join(' ')
const page = text => text.replaceAll('/', '\\u002F').replaceAll('<', '\\u003C').replaceAll('>', '\\u003E').replaceAll('&', '\\u0026')

// Members of an object, in one string: a page takes some of them, in order.
function filler(count, member) {
	const starts = []
	let text = ''
	for (let i = 0; i < count; i++) {
		starts.push(text.length)
		text += `${member(i)},`
	}
	return (chance, share) => {
		const length = Math.floor(count * share)
		const at = chance.below(count - length)
		return text.slice(starts[at], starts[at + length] - 1)
	}
}
const translations = filler(3000, i => page(`"${common.of(words)}_${common.of(words)}_${i}":${
	JSON.stringify(`${sentence(common, common.between(1, 14))}${common.of(['', '.', ' {count}', '\n', ' "{name}"', ' <a href="/legal">', ' đây là', '…'])}`)}`))
const switches = filler(800, i => `"${common.of(words)}_${common.of(words)}_${i}":{"vid":"v${common.below(4)}"}`)
const configuration = filler(1000, i => page(`"${common.of(words)}${i}":${JSON.stringify({ enabled: common.below(2) === 1,
	hosts: [`https://v${i}.example.test/obj/${token(common, 20)}`], range: [common.below(1e6), common.next()] })}`))
const scripts = Array.from({ length: 60 }, () =>
	`<script data-chunk="webapp-desktop" async="async" src="//static.example.test/obj/${token(common, 60)}.js"></script>`).join('')

const image = (chance, what) => `https://p16-sign.example.test/tos-alisg-p-0037/${token(chance, 32)}~tplv-${what}.image?dr=14575&x-expires=${now + 2 * day}&x-signature=${token(chance, 27)}%3D&t=4d5b0474&ps=13740610&shp=81f88b70&shcp=43f4a2f9&idc=my`
const stream = chance => `https://v16-webapp-prime.example.test/video/tos/alisg/tos-alisg-pve-0037c001/${token(chance, 38)}/?a=1988&bti=${token(chance, 16)}&ch=0&cr=3&dr=0&lr=all&cd=0%7C0%7C0%7C&cv=1&br=1676&bt=838&cs=0&ds=6&ft=${token(chance, 40)}&mime_type=video_mp4&qs=0&rc=${token(chance, 120)}%3D%3D&btag=e00088000&expire=${now + day}&l=${token(chance, 34)}&ply_type=2&policy=2&signature=${token(chance, 32)}&tk=tt_chain_token`

// --- accounts and videos ---------------------------------------------------------------------

function makeAccount(n) {
	const chance = dice(n * 7919)
	const handle = `goat.${n}`
	const age = chance.between(400, 2000) * day
	const account = {
		id: snowflake(chance, now - age), uniqueId: handle, nickname: `Goat ${n} ${chance.of(['🐐', 'Đặng', 'farm'])}`,
		avatarLarger: image(chance, 'cropcenter:1080:1080'), avatarMedium: image(chance, 'cropcenter:720:720'),
		avatarThumb: image(chance, 'cropcenter:100:100'), signature: `${sentence(chance, chance.between(0, 9))}\nmade for trackagoat`,
		createTime: now - age + 40, verified: chance.below(20) === 0, secUid: `MS4wLjABAAAA${n}_${token(chance, 63 - String(n).length)}`,
		ftc: false, relation: 0, openFavorite: false, commentSetting: 0, duetSetting: 0, stitchSetting: 0, privateAccount: false,
		secret: false, isADVirtual: false, roomId: '', uniqueIdModifyTime: 0, ttSeller: false, downloadSetting: 0,
		recommendReason: '', nowInvitationCardUrl: '', nickNameModifyTime: 0, isEmbedBanned: false, canExpPlaylist: true,
		suggestAccountBind: false, UserStoryStatus: 0
	}
	const exact = { followerCount: chance.below(10 ** chance.between(3, 7)), followingCount: chance.below(2000), heart: 0,
		heartCount: chance.below(10 ** chance.between(4, 8)), videoCount: chance.between(35, 2000), diggCount: 0, friendCount: chance.below(50) }
	exact.heart = exact.heartCount
	return { chance, account, exact, followers: exact.followerCount }
}

function makeItem({ chance, account, exact }, time) {
	const views = rounded(chance.below(10 ** chance.between(3, 7)))
	const own = Array.from({ length: chance.below(5) }, () => chance.of(tags)).filter((tag, i, all) => all.indexOf(tag) === i)
	const desc = `${sentence(chance, chance.between(2, 14))} ${own.map(tag => `#${tag}`).join(' ')}`
	const textExtra = own.map((tag, i) => ({ awemeId: '', start: 10 * i, end: 10 * i + 9, hashtagId: String(1e9 + i), hashtagName: tag, type: 1, subType: 0, isCommerce: false }))
	const id = snowflake(chance, time - 2 - chance.below(30))
	const stats = { diggCount: rounded(Math.floor(views * chance.next() * 0.12)), shareCount: rounded(Math.floor(views * chance.next() * 0.02)),
		commentCount: rounded(Math.floor(views * chance.next() * 0.01)), playCount: views, collectCount: Math.floor(views * chance.next() * 0.02) }
	return {
		id, desc, createTime: time, scheduleTime: 0,
		video: {
			id, height: 1024, width: 576, duration: chance.between(5, 180), ratio: '540p', cover: image(chance, 'origin'), originCover: image(chance, 'origin'),
			dynamicCover: image(chance, 'origin'), playAddr: stream(chance), downloadAddr: '', shareCover: [''], reflowCover: '',
			bitrate: chance.below(1e6), encodedType: 'normal', format: 'mp4', videoQuality: 'normal', encodeUserTag: '', codecType: 'h264', definition: '540p',
			volumeInfo: { Loudness: -16.8, Peak: chance.next() },
			bitrateInfo: Array.from({ length: chance.between(1, 2) }, () => ({ Bitrate: chance.below(1e6), QualityType: 2, BitrateFPS: 60, GearName: 'adapt_lowest_1080_1',
				PlayAddr: { DataSize: String(chance.below(1e7)), Width: 1080, Height: 1920, Uri: token(chance, 32), UrlList: [stream(chance)],
					UrlKey: token(chance, 60), FileHash: token(chance, 32), FileCs: 'c:0-38854-a722' }, CodecType: 'h265_hvc1', MVMAF: '"{\\"v2.0\\": {}}"', Format: 'mp4' }))
		},
		author: account,
		music: { id: snowflake(chance, time - 30 * day), title: `original sound - ${sentence(chance, 2)}`, playUrl: stream(chance), coverLarge: image(chance, 'cropcenter:1080:1080'),
			coverMedium: image(chance, 'cropcenter:720:720'), coverThumb: image(chance, 'cropcenter:100:100'), authorName: sentence(chance, 2), original: true, duration: 34 },
		challenges: own.map((title, i) => ({ id: String(1e9 + i), title, desc: '', profileLarger: '', profileMedium: '', profileThumb: '', coverLarger: '', coverMedium: '', coverThumb: '' })),
		stats, statsV2: Object.fromEntries(Object.entries({ ...stats, repostCount: 0 }).map(([key, count]) => [key, String(count)])),
		originalItem: false, officalItem: false, textExtra, secret: false, forFriend: false, digged: false, itemCommentStatus: 0, takeDown: 0, effectStickers: [],
		authorStats: Object.fromEntries(Object.entries(exact).map(([key, count]) => [key, rounded(count)])), privateItem: false, duetEnabled: true, stitchEnabled: true,
		stickersOnItem: [], isAd: chance.below(30) === 0, shareEnabled: true, duetDisplay: 0, stitchDisplay: 0, indexEnabled: true,
		contents: [{ desc, textExtra }], item_control: { can_repost: true }, collected: false, channelTags: [], IsAigc: false, AIGCDescription: '',
		CategoryType: 104, textLanguage: 'en', textTranslatable: true, isReviewing: false
	}
}

function profilePage({ chance, account, exact }) {
	const stats = Object.fromEntries(Object.entries(exact).map(([key, count]) => [key, rounded(count)]))
	const statsV2 = Object.fromEntries(Object.entries(exact).map(([key, count]) => [key, String(count)]))
	const detail = { userInfo: { user: account, stats, statsV2, itemList: [] },
		shareMeta: { title: `${account.nickname} on TikTok`, desc: `@${account.uniqueId} ${stats.followerCount} Followers` }, statusCode: 0, statusMsg: '', needFix: true }
	return `<!DOCTYPE html>
<html lang="en"><head><meta charset="UTF-8" /><title>TikTok - Make Your Day</title>${scripts}<!-- synthetic --></head>
<body><div id="app"></div><script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{"__DEFAULT_SCOPE__":{"webapp.app-context":{"language":"en","region":"US","wid":"${
	snowflake(chance, now)}","nonce":"${token(chance, 21)}","abTestVersion":{"parameters":{${switches(chance, 0.4 + chance.next() * 0.5)}}}},"webapp.biz-context":{"os":"linux","isMobile":false,"config":{${
	configuration(chance, 0.2 + chance.next() * 0.3)}}},"webapp.i18n-translation":{"Webapp":{${translations(chance, 0.3 + chance.next() * 0.4)}}},"seo.abtest":{"canonical":"${
	page(`https://www.tiktok.com/@${account.uniqueId}`)}","vidList":[]},"webapp.user-detail":${page(JSON.stringify(detail))},"webapp.a-b":{}}}</script>${scripts}</body></html>
`
}

function listPage({ chance, account, exact }) {
	let time = now - chance.below(day)
	const items = Array.from({ length: chance.between(15, 35) }, () => makeItem({ chance, account, exact }, time -= chance.between(3600, 5 * day)))
	const body = { cursor: String(time * 1000), extra: { fatal_item_ids: [], logid: token(chance, 34), now: now * 1000 }, hasMorePrevious: false,
		itemList: items, log_pb: { impr_id: token(chance, 34) }, statusCode: 0, status_code: 0, status_msg: '' }
	// as Go writes JSON
	return { items, text: JSON.stringify(body).replaceAll('&', '\\u0026') }
}

// --- files -------------------------------------------------------------------------------------

// Writes the pages of so many accounts into a directory.  Answers the accounts, what
// must be stored, in the form of the query in scrape.mjs, and the bytes.
export function writeSite(directory, count) {
	const accounts = []
	const sums = Array(15).fill(0n)
	let bytes = 0
	const write = (file, text) => {
		const buffer = Buffer.from(text)
		bytes += buffer.length
		writeFileSync(`${directory}/${file}`, buffer)
	}
	mkdirSync(`${directory}/profile`)
	mkdirSync(`${directory}/item_list`)
	for (let n = 1; n <= count; n++) {
		const made = makeAccount(n)
		write(`profile/${made.account.uniqueId}.html`, profilePage(made))
		const { items, text } = listPage(made)
		write(`item_list/${made.account.secUid}.json`, text)
		accounts.push({ handle: made.account.uniqueId, secUid: made.account.secUid })
		const add = (...numbers) => numbers.forEach((number, i) => { sums[i] += BigInt(number) })
		add(1, made.exact.followerCount, made.exact.followingCount, made.exact.heartCount, made.exact.videoCount)
		for (const { stats, video, createTime, desc, challenges } of items) {
			add(0, 0, 0, 0, 0, 1, stats.playCount, stats.diggCount, stats.commentCount, stats.shareCount, stats.collectCount, video.duration, createTime,
				Buffer.byteLength(desc + video.cover), challenges.length)
		}
	}
	return { accounts, sums: sums.join(' '), bytes }
}
