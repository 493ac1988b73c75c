/*
 * trackagoat.h
 *	  What the extension's backend files share: settings and refusals.
 */
#ifndef TRACKAGOAT_H
#define TRACKAGOAT_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/nodes.h"

/* The version of the tables that setup() makes; see sql/setup/00-version.sql. */
#define TRACKAGOAT_TABLES_VERSION 2

/* SQLSTATEs of business refusals: PostgREST answers them with that status. */
#define ERRCODE_TRACKAGOAT_BAD_REQUEST	MAKE_SQLSTATE('P', 'T', '4', '0', '0')
#define ERRCODE_TRACKAGOAT_UNAUTHORIZED	MAKE_SQLSTATE('P', 'T', '4', '0', '1')
#define ERRCODE_TRACKAGOAT_LIMIT		MAKE_SQLSTATE('P', 'T', '4', '0', '2')
#define ERRCODE_TRACKAGOAT_FORBIDDEN	MAKE_SQLSTATE('P', 'T', '4', '0', '3')
#define ERRCODE_TRACKAGOAT_NOT_FOUND	MAKE_SQLSTATE('P', 'T', '4', '0', '4')
#define ERRCODE_TRACKAGOAT_CONFLICT		MAKE_SQLSTATE('P', 'T', '4', '0', '9')
#define ERRCODE_TRACKAGOAT_TOO_MANY		MAKE_SQLSTATE('P', 'T', '4', '2', '9')

/* The setting trackagoat.base_url, unless somebody sets it. */
#define TIKTOK_URL "https://www.tiktok.com"

/* The longest part of a refused value that an error repeats, in bytes. */
#define ERROR_SHOWN_LENGTH 100

/* handle_type.c: a valid handle as a varlena; PT409 invalid_handle otherwise */
extern text *handle_make(const char *input, size_t length, Node *escontext);

/* settings.c: the settings trackagoat.*, as SHOW prints them */
extern char *trackagoat_database;
extern int	trackagoat_workers;
extern bool trackagoat_enabled;
extern char *trackagoat_base_url;
extern char *trackagoat_user_agent;
extern char *trackagoat_proxy;
extern char *trackagoat_ca_file;
extern int	trackagoat_requests_per_minute;
extern int	trackagoat_max_parallel;
extern int	trackagoat_request_timeout; /* milliseconds */
extern int	trackagoat_max_body;	/* kilobytes */
extern bool trackagoat_allow_private_addresses;
extern int	trackagoat_attempt_retention;	/* days */

extern void settings_define(bool preloading);
extern char *trackagoat_host(void);

#endif							/* TRACKAGOAT_H */
