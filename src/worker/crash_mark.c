/*
 * crash_mark.c
 *	  Which page a process was reading or storing when it ended.
 *
 * A process that a page makes crash cannot say so, and several are in flight.
 * So each writes the attempt that it deals with into a small file first, which
 * the kernel keeps however the process ends, and removes the file when it ends
 * on request.  What is left is found by whoever gives back its jobs.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/procarray.h"

#include "worker/worker.h"

PG_FUNCTION_INFO_V1(take_crash_marks);

/* Beside what other extensions keep for as long as the server runs. */
#define MARK_DIR PG_STAT_TMP_DIR
#define MARK_NAME "trackagoat.%u.%d"

static int	mark_fd = -1;

static void
mark_path(char *path, Oid database, int pid)
{
	snprintf(path, MAXPGPATH, MARK_DIR "/" MARK_NAME, database, pid);
}

/* Make this process's file ready. */
void
crash_mark_open(void)
{
	char		path[MAXPGPATH];

	if (mark_fd >= 0)
		return;
	mark_path(path, MyDatabaseId, MyProcPid);
	mark_fd = BasicOpenFile(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC);
	if (mark_fd < 0)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not create file \"%s\": %m", path),
				 errdetail("A page that makes the worker crash is then not told from others.")));
}

/* From here on the attempt is the one that is to blame; 0 for none. */
void
crash_mark_set(int64 attempt_id)
{
	if (mark_fd >= 0 && pwrite(mark_fd, &attempt_id, sizeof(attempt_id), 0) != sizeof(attempt_id))
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not note which page is read: %m")));
}

/* Nothing is to blame; for a signal handler, which could not say if that fails. */
void
crash_mark_clear(void)
{
	int64		none = 0;

	if (mark_fd >= 0 && pwrite(mark_fd, &none, sizeof(none), 0) < 0)
		return;
}

/* The process ends, or has no more to do, and nothing is to blame. */
void
crash_mark_close(void)
{
	char		path[MAXPGPATH];

	if (mark_fd < 0)
		return;
	close(mark_fd);
	mark_fd = -1;
	mark_path(path, MyDatabaseId, MyProcPid);
	(void) unlink(path);
}

/*
 * take_crash_marks(): the attempts that processes of this database which are
 * gone were dealing with.  Each is answered once.
 */
Datum
take_crash_marks(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	DIR		   *dir;
	struct dirent *file;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	dir = AllocateDir(MARK_DIR);
	while ((file = ReadDirExtended(dir, MARK_DIR, LOG)) != NULL)
	{
		Oid			database;
		int			pid;
		char		path[MAXPGPATH];
		int			fd;
		int64		attempt_id = 0;
		ssize_t		length;

		if (sscanf(file->d_name, MARK_NAME, &database, &pid) != 2 ||
			database != MyDatabaseId || BackendPidGetProc(pid) != NULL)
			continue;
		mark_path(path, database, pid);
		fd = OpenTransientFile(path, O_RDONLY);
		if (fd < 0)
			continue;
		length = read(fd, &attempt_id, sizeof(attempt_id));
		CloseTransientFile(fd);
		/* somebody else may have taken it meanwhile */
		if (unlink(path) == 0 && length == sizeof(attempt_id) && attempt_id != 0)
		{
			Datum		value = Int64GetDatum(attempt_id);
			bool		isnull = false;

			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
		}
	}
	FreeDir(dir);
	return (Datum) 0;
}
