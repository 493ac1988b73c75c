/*
 * judge.c
 *	  What came of a request: its outcome, one of scrape_outcome, and what the
 *	  page says.  A page of another account or video, or of another kind, is
 *	  never taken for the one that was asked for.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "page.h"
#include "read_page.h"
#include "url.h"
#include "worker/worker.h"

/* What a short link's redirect says: the video that it leads to. */
static void
judge_link(ScrapeResult *result, const FetchAnswer *answer, const ScrapeClaim *claim)
{
	TiktokUrl	url = url_parse(answer->location, strlen(answer->location));
	StringInfoData page;

	if ((url.kind != URL_VIDEO && url.kind != URL_PHOTO) || url.tiktok_video_id == 0)
	{
		/* a link that is dead leads to the front page */
		result->outcome = "not_found";
		result->detail = "The link leads to no video.";
		return;
	}
	/* a link, a handle and an id have nothing to escape */
	initStringInfo(&page);
	appendStringInfo(&page, "{\"link\": \"%s\", \"tiktok_video_id\": \"" INT64_FORMAT "\", \"kind\": \"%s\"",
					 claim->link, url.tiktok_video_id, url.kind == URL_PHOTO ? "photo" : "video");
	if (url.handle != NULL)
		appendStringInfo(&page, ", \"tiktok_handle\": \"%.*s\"", (int) url.handle_length, url.handle);
	appendStringInfoChar(&page, '}');
	result->outcome = "ok";
	result->page = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(page.data)));
}

/* Redirects are not followed: where one leads is all that it says. */
static void
judge_redirect(ScrapeResult *result, const FetchAnswer *answer, const ScrapeClaim *claim)
{
	/* its query may hold what is nobody's business */
	char	   *path = answer->location ?
		pnstrdup(answer->location, strcspn(answer->location, "?#")) : NULL;

	result->outcome = path && strstr(path, "/login") ? "login_required" : "redirected";
	result->detail = path;
	if (strcmp(claim->kind, "video_link") == 0 && path != NULL && strcmp(result->outcome, "redirected") == 0)
		judge_link(result, answer, claim);
}

/* A status other than 200; a refusal's page may name it more closely. */
static const char *
status_outcome(int status, const WebPage *page, const Source *source)
{
	/* a captcha comes with 403, and perhaps with others */
	if (strcmp(page->outcome, "captcha") == 0 || strcmp(page->outcome, "challenged") == 0)
		return page->outcome;
	if (status >= 500)
		return "server_error";
	if (status == 429)
		return "rate_limited";
	/* oEmbed says 400 where a video is deleted, private or withheld */
	if (!source->knows_gone && (status == 400 || status == 404 || status == 410))
		return "unavailable";
	if (status == 404 || status == 410)
		return "not_found";
	if (status == 451)
		return "regional";
	if (status == 401 || status == 403)
		return "blocked";
	return "unreadable";
}

/*
 * Judge an answer.  The result's strings and page are the current context's,
 * or the answer's.
 */
ScrapeResult
judge_answer(const FetchAnswer *answer, const ScrapeClaim *claim)
{
	static const char *const failures[] = {
		[FETCH_TIMEOUT] = "timeout",
		[FETCH_UNREACHABLE] = "unreachable",
		[FETCH_TLS_FAILED] = "tls_failed",
		[FETCH_TOO_LARGE] = "too_large",
		[FETCH_ADDRESS_REFUSED] = "address_refused"
	};
	const Source *source = claim->source;
	ScrapeResult result = {0};
	WebPage    *page;

	result.fetched_at = GetCurrentTimestamp();
	result.http_status = answer->status;
	result.curl_code = answer->curl_code;
	result.milliseconds = answer->milliseconds;
	result.body_bytes = (int64) answer->body_length;
	result.retry_after = answer->retry_after;
	result.detail = answer->detail;
	if (answer->failure != FETCH_ANSWERED)
	{
		result.outcome = failures[answer->failure];
		return result;
	}
	if (answer->status >= 300 && answer->status < 400)
	{
		judge_redirect(&result, answer, claim);
		return result;
	}

	page = page_read(answer->body, answer->body_length);
	result.detail = page->status_message;
	if (answer->status != 200)
		result.outcome = status_outcome(answer->status, page, source);
	else if (strcmp(page->outcome, "ok") != 0)
		result.outcome = page->outcome;
	else if (strcmp(page->source, source->name) != 0 || !source->answers(page, claim))
	{
		result.outcome = "unreadable";
		result.detail = "The page is of another account, video or kind than was asked for.";
	}
	else if (!source->has_counts)
		result.outcome = "no_counts";
	else
	{
		result.outcome = "ok";
		result.page = page_to_jsonb(page);
	}
	return result;
}
