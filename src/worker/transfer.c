/*
 * transfer.c
 *	  HTTP requests in flight: libcurl's multi interface over an epoll
 *	  descriptor of our own, which the caller waits on beside its latch.
 *
 * libcurl keeps its own heap, and its callbacks never raise: they copy into a
 * bounded buffer or refuse.  All signals but fatal ones are blocked while
 * libcurl runs, so that no handler of ours ever runs on a thread that its
 * resolver starts.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "utils/memutils.h"

#include "trackagoat.h"
#include "worker/worker.h"

StaticAssertDecl(LIBCURL_VERSION_NUM >= 0x075500, "libcurl 7.85 or later is needed");

/* No single wait for a connection is longer, whatever the whole may take (ms). */
#define CONNECT_TIMEOUT 10000L
#define FIRST_BODY_CAPACITY (256 * 1024)
/* No host keeps us away for longer by its Retry-After (seconds). */
#define LONGEST_RETRY_AFTER 86400
/* Descriptors are acted on so often before the caller has its turn. */
#define MOST_EVENTS 64
/* Answers wait in the system's buffers for so long at most (milliseconds), or an eighth of request_timeout. */
#define LONGEST_UNREAD 1000

/* One request; the easy handle keeps its connection and cookies for the next. */
struct Fetch
{
	slist_node	all_link;		/* in all */
	dlist_node	link;			/* in idle, waiting or finished, unless libcurl has it */
	CURL	   *easy;
	int			claim_index;
	CURLcode	code;
	char		error[CURL_ERROR_SIZE];
	char	   *body;			/* malloc'd, or NULL */
	size_t		length;
	size_t		capacity;
	size_t		limit;
	bool		too_large;
	bool		address_refused;
	bool		has_cookies;	/* cookies are kept since the first request */
	bool		any_address;	/* a proxy or a setting allows every address */
};

static CURLM *multi = NULL;
static struct curl_slist *headers = NULL;
static int	epoll_fd = -1;
static int64 curl_deadline = -1;	/* monotonic ms, -1: none */
static int	in_flight = 0;		/* or waiting */
static slist_head all = SLIST_STATIC_INIT(all);
static dlist_head idle = DLIST_STATIC_INIT(idle);
static dlist_head waiting = DLIST_STATIC_INIT(waiting);
static dlist_head finished = DLIST_STATIC_INIT(finished);

static int64
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Block signals around libcurl; what arrives meanwhile is handled after it. */
static void
enter_curl(sigset_t *saved)
{
	sigset_t	blocked;

	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	sigdelset(&blocked, SIGABRT);
	sigdelset(&blocked, SIGTRAP);
	pthread_sigmask(SIG_SETMASK, &blocked, saved);
}

static void
leave_curl(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

/* libcurl tells which descriptors it waits for. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
	struct epoll_event event = {.data.fd = fd};

	if (what == CURL_POLL_REMOVE)
	{
		(void) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 && errno == ENOENT)
		(void) epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

/* libcurl tells when it wants to be called at the latest. */
static int
on_timer(CURLM *curl_multi, long timeout_ms, void *data)
{
	curl_deadline = timeout_ms < 0 ? -1 : monotonic_ms() + timeout_ms;
	return 0;
}

/*
 * Connect only to public addresses.  This sees the address that was resolved,
 * so a name server that changes its mind does not get around it.
 */
static curl_socket_t
on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	Fetch	   *fetch = data;

	if (!fetch->any_address && !address_is_public(&address->addr))
	{
		fetch->address_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* What to begin with for a body: as much as the host says that it sends, compressed or not. */
static size_t
first_capacity(const Fetch *fetch)
{
	curl_off_t	announced = -1;

	curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	return Max(FIRST_BODY_CAPACITY, Min(announced, (curl_off_t) fetch->limit));
}

/* Keep the body, decompressed, up to the limit; a short count ends the request. */
static size_t
on_body(char *data, size_t size, size_t count, void *user)
{
	Fetch	   *fetch = user;
	size_t		length = size * count;

	if (length > fetch->limit - fetch->length)
	{
		fetch->too_large = true;
		return 0;
	}
	if (fetch->length + length > fetch->capacity)
	{
		size_t		capacity = fetch->body != NULL ? fetch->capacity : first_capacity(fetch);
		char	   *body;

		while (capacity < fetch->length + length)
			capacity *= 2;
		body = realloc(fetch->body, capacity);
		if (body == NULL)
			return 0;
		fetch->body = body;
		fetch->capacity = capacity;
	}
	memcpy(fetch->body + fetch->length, data, length);
	fetch->length += length;
	return length;
}

/* Make ready for requests; again does nothing. */
void
transfer_open(void)
{
	sigset_t	saved;

	if (multi != NULL)
		return;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		ereport(ERROR,
				(errcode_for_socket_access(),
				 errmsg("could not create an epoll descriptor: %m")));

	enter_curl(&saved);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		multi = curl_multi_init();
	if (multi != NULL)
	{
		curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
		headers = curl_slist_append(headers, "Accept: text/html,application/json;q=0.9,*/*;q=0.8");
		headers = curl_slist_append(headers, "Accept-Language: en-US,en;q=0.9");
	}
	leave_curl(&saved);

	if (multi == NULL)
	{
		close(epoll_fd);
		epoll_fd = -1;
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not initialize libcurl")));
	}
}

/*
 * Abandon what is in flight and free everything.  Only run_scrapes() needs
 * this; a worker's process ends with its requests.
 */
void
transfer_close(void)
{
	sigset_t	saved;
	slist_mutable_iter iter;

	if (multi == NULL)
		return;
	enter_curl(&saved);
	slist_foreach_modify(iter, &all)
	{
		Fetch	   *fetch = slist_container(Fetch, all_link, iter.cur);

		(void) curl_multi_remove_handle(multi, fetch->easy);
		curl_easy_cleanup(fetch->easy);
		free(fetch->body);
		free(fetch);
	}
	slist_init(&all);
	dlist_init(&idle);
	dlist_init(&waiting);
	dlist_init(&finished);
	in_flight = 0;
	(void) curl_multi_cleanup(multi);
	curl_slist_free_all(headers);
	leave_curl(&saved);
	multi = NULL;
	headers = NULL;
	close(epoll_fd);
	epoll_fd = -1;
	curl_deadline = -1;
}

/* The descriptor that becomes readable when transfer_drive() has work. */
int
transfer_socket(void)
{
	return epoll_fd;
}

/* Milliseconds until transfer_drive() has work anyhow; -1 for never. */
long
transfer_timeout(void)
{
	if (!dlist_is_empty(&waiting))
		return 0;
	if (curl_deadline < 0)
		return -1;
	return (long) Max(curl_deadline - monotonic_ms(), 0);
}

int
transfer_in_flight(void)
{
	return in_flight;
}

/* An idle or new Fetch; NULL when memory is out. */
static Fetch *
take_fetch(void)
{
	Fetch	   *fetch;

	if (!dlist_is_empty(&idle))
		return dlist_container(Fetch, link, dlist_pop_head_node(&idle));
	fetch = calloc(1, sizeof(Fetch));
	if (fetch != NULL && (fetch->easy = curl_easy_init()) == NULL)
	{
		free(fetch);
		fetch = NULL;
	}
	if (fetch != NULL)
		slist_push_head(&all, &fetch->all_link);
	return fetch;
}

static void
set_options(Fetch *fetch, const char *url)
{
	CURL	   *easy = fetch->easy;

	curl_easy_reset(easy);		/* keeps connections and cookies */
	curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, trackagoat_user_agent);
	curl_easy_setopt(easy, CURLOPT_REFERER, "https://www.tiktok.com/");
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	/* each time adds to a list, which curl_easy_reset() forgets without freeing it before 8.0 */
	if (!fetch->has_cookies)
		curl_easy_setopt(easy, CURLOPT_COOKIEFILE, "");
	fetch->has_cookies = true;
	/* set even if empty, which keeps the environment from saying otherwise */
	curl_easy_setopt(easy, CURLOPT_PROXY, trackagoat_proxy);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	if (trackagoat_ca_file[0] != '\0')
		curl_easy_setopt(easy, CURLOPT_CAINFO, trackagoat_ca_file);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) trackagoat_request_timeout);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
					 Min((long) trackagoat_request_timeout, CONNECT_TIMEOUT));
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
}

/*
 * The host may have closed a connection that was kept from an earlier request,
 * which shows only as the next one is sent: nothing was asked then, and it is
 * asked over a connection of its own.
 */
static bool
ask_again(Fetch *fetch)
{
	long		connects = 0;

	curl_easy_getinfo(fetch->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (fetch->code != CURLE_SEND_ERROR || connects > 0)
		return false;
	curl_easy_setopt(fetch->easy, CURLOPT_FRESH_CONNECT, 1L);
	return curl_multi_add_handle(multi, fetch->easy) == CURLM_OK;
}

static void
finish(Fetch *fetch)
{
	dlist_push_tail(&finished, &fetch->link);
	in_flight--;
}

/* Queue the requests that libcurl says are done. */
static void
collect_finished(void)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		Fetch	   *fetch;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &fetch);
		fetch->code = message->data.result;
		(void) curl_multi_remove_handle(multi, fetch->easy);
		if (!ask_again(fetch))
			finish(fetch);
	}
}

/* Let libcurl read or write where the descriptor is ready. */
static void
act_on_socket(const struct epoll_event *event)
{
	int			what = 0;
	int			running;

	if (event->events & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (event->events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (event->events & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	(void) curl_multi_socket_action(multi, event->data.fd, what, &running);
}

/* Let libcurl do what its time has come for. */
static void
act_on_timer(void)
{
	int			running;

	if (curl_deadline < 0 || monotonic_ms() < curl_deadline)
		return;
	curl_deadline = -1;
	(void) curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect_finished();
}

/* Ask for a GET; its answer comes out of transfer_finished() with the index. */
void
transfer_start(const char *url, int claim_index)
{
	sigset_t	saved;
	Fetch	   *fetch;

	enter_curl(&saved);
	fetch = take_fetch();
	if (fetch != NULL)
	{
		fetch->claim_index = claim_index;
		fetch->code = CURLE_OK;
		fetch->error[0] = '\0';
		fetch->length = 0;
		fetch->limit = (size_t) trackagoat_max_body * 1024;
		fetch->too_large = false;
		fetch->address_refused = false;
		fetch->any_address = trackagoat_allow_private_addresses || trackagoat_proxy[0] != '\0';
		set_options(fetch, url);
		dlist_push_tail(&waiting, &fetch->link);
		in_flight++;
	}
	leave_curl(&saved);

	if (fetch == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not start a request")));
}

/* Send the request that waits longest. */
static void
send_waiting(void)
{
	Fetch	   *fetch = dlist_container(Fetch, link, dlist_pop_head_node(&waiting));

	if (curl_multi_add_handle(multi, fetch->easy) != CURLM_OK)
	{
		fetch->code = CURLE_OUT_OF_MEMORY;
		finish(fetch);
	}
	act_on_timer();
}

/*
 * Let libcurl do what its descriptors and timer ask for; never blocks.  Once
 * an answer is whole, requests wait to be sent and other answers in the
 * system's buffers, so that few bodies are held at a time (over HTTP/2 libcurl
 * itself reads on), but not so long that their time could run out.
 */
void
transfer_drive(void)
{
	static int64 all_read_at = 0;
	int64		now = monotonic_ms();
	bool		is_late = now - all_read_at > Min(LONGEST_UNREAD, trackagoat_request_timeout / 8);
	sigset_t	saved;
	struct epoll_event event;

	enter_curl(&saved);
	while ((is_late || dlist_is_empty(&finished)) && !dlist_is_empty(&waiting))
		send_waiting();
	for (int i = 0; i < MOST_EVENTS && (is_late || dlist_is_empty(&finished)); i++)
	{
		if (epoll_wait(epoll_fd, &event, 1, 0) <= 0)
		{
			all_read_at = now;
			break;
		}
		act_on_socket(&event);
		collect_finished();
	}
	act_on_timer();
	leave_curl(&saved);
}

static FetchFailure
failure_of(const Fetch *fetch)
{
	if (fetch->too_large)
		return FETCH_TOO_LARGE;
	/* another address of the same host may have been allowed */
	if (fetch->code == CURLE_OK)
		return FETCH_ANSWERED;
	if (fetch->address_refused)
		return FETCH_ADDRESS_REFUSED;
	switch (fetch->code)
	{
		case CURLE_OPERATION_TIMEDOUT:
			return FETCH_TIMEOUT;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
			return FETCH_TLS_FAILED;
		default:
			return FETCH_UNREACHABLE;
	}
}

/*
 * A finished request and its answer, or NULL.  Give it back by
 * transfer_release(), until when the answer's strings are valid.
 */
Fetch *
transfer_finished(FetchAnswer *answer)
{
	Fetch	   *fetch;
	long		status = 0;
	curl_off_t	retry_after = 0;
	curl_off_t	microseconds = 0;
	char	   *location = NULL;

	if (dlist_is_empty(&finished))
		return NULL;
	fetch = dlist_container(Fetch, link, dlist_pop_head_node(&finished));

	curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(fetch->easy, CURLINFO_REDIRECT_URL, &location);
	curl_easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &retry_after);
	curl_easy_getinfo(fetch->easy, CURLINFO_TOTAL_TIME_T, &microseconds);

	answer->failure = failure_of(fetch);
	answer->detail = fetch->code == CURLE_OK ? NULL :
		fetch->error[0] ? fetch->error : curl_easy_strerror(fetch->code);
	answer->status = (int) status;
	answer->body = fetch->length > 0 ? fetch->body : "";
	answer->body_length = fetch->length;
	answer->location = location;
	answer->retry_after = retry_after > 0 ? Min((int64) retry_after, LONGEST_RETRY_AFTER) : -1;
	answer->curl_code = (int) fetch->code;
	answer->milliseconds = (int) (microseconds / 1000);
	answer->claim_index = fetch->claim_index;
	return fetch;
}

/* The answer has been dealt with; the handle may serve another request. */
void
transfer_release(Fetch *fetch)
{
	/* so many buffers as there can be requests are not to be kept filled */
	free(fetch->body);
	fetch->body = NULL;
	fetch->capacity = 0;
	dlist_push_head(&idle, &fetch->link);
}
