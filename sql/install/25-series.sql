-- The type series: a run of observations, packed.  C: src/series*.c.

CREATE TYPE trackagoat.series;
COMMENT ON TYPE trackagoat.series IS
	'observations of one entity, packed: each a time and up to 16 counters that may be unknown; a few bytes a point';

CREATE FUNCTION trackagoat.series_in(cstring) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_in(cstring) IS 'I/O';
CREATE FUNCTION trackagoat.series_out(trackagoat.series) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_out(trackagoat.series) IS 'I/O';
CREATE FUNCTION trackagoat.series_recv(internal) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_recv(internal) IS 'I/O';
CREATE FUNCTION trackagoat.series_send(trackagoat.series) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_send(trackagoat.series) IS 'I/O';

-- the bytes are dense: compression would only cost time
CREATE TYPE trackagoat.series (
	INPUT = trackagoat.series_in, OUTPUT = trackagoat.series_out,
	RECEIVE = trackagoat.series_recv, SEND = trackagoat.series_send,
	INTERNALLENGTH = VARIABLE, STORAGE = external);

CREATE FUNCTION trackagoat.series(counters integer) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME', 'series_make' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series(integer) IS 'a series of so many counters, without points';

CREATE FUNCTION trackagoat.series_is_sound(points trackagoat.series) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_is_sound(trackagoat.series) IS 'whether all bytes of a stored value make sense';

CREATE FUNCTION trackagoat.series_append(
	points trackagoat.series, at timestamptz, levels bigint[],
	exact boolean DEFAULT true, is_break boolean DEFAULT false, source integer DEFAULT 0) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_append(trackagoat.series, timestamptz, bigint[], boolean, boolean, integer) IS
	'with one more point, in any order of time; NULL is a level not known; a point of the same moment is completed and corrected; what an anchor covers is settled';

CREATE FUNCTION trackagoat.series_at(points trackagoat.series, at timestamptz) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_at(trackagoat.series, timestamptz) IS
	'the last known levels as of a time; NULL before the first point';

CREATE FUNCTION trackagoat.series_anchor(points trackagoat.series) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_anchor(trackagoat.series) IS 'the levels before the first point; NULL where there is no anchor';

CREATE FUNCTION trackagoat.series_gain(points trackagoat.series, from_time timestamptz, to_time timestamptz) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_gain(trackagoat.series, timestamptz, timestamptz) IS
	'what each counter gained at the points from a time to before another; baselines gain nothing';

CREATE FUNCTION trackagoat.series_points(points trackagoat.series)
	RETURNS TABLE (observed_at timestamptz, levels bigint[], exact boolean, is_baseline boolean, is_break boolean, source integer)
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 50;
COMMENT ON FUNCTION trackagoat.series_points(trackagoat.series) IS
	'a row for each point; is_baseline where a counter is known for the first time, or for the first time after a break';

CREATE FUNCTION trackagoat.series_buckets(points trackagoat.series, granularity text, tz text)
	RETURNS TABLE (bucket date, gains bigint[], baselines bigint[], known bigint[])
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 50;
COMMENT ON FUNCTION trackagoat.series_buckets(trackagoat.series, text, text) IS
	'gains, baselines and the number of baselines of each counter by day, week (from Monday) or month of a time zone; PT400 invalid_granularity, invalid_timezone';

CREATE FUNCTION trackagoat.series_merge(trackagoat.series, trackagoat.series) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_merge(trackagoat.series, trackagoat.series) IS
	'the points of both; where both have one of the same moment, the second completes and corrects the first';

CREATE FUNCTION trackagoat.series_thin(points trackagoat.series, gap interval, before timestamptz) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_thin(trackagoat.series, interval, timestamptz) IS
	'without points before a time that another follows within the gap; what they gained is gained at the next';

CREATE FUNCTION trackagoat.series_cut(points trackagoat.series, before timestamptz) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.series_cut(trackagoat.series, timestamptz) IS
	'without the points before a time; their last levels stay as an anchor, so that gains after it are as before';

CREATE FUNCTION trackagoat.series_days(points trackagoat.series) RETURNS TABLE (day date, amounts bigint[])
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 50
BEGIN ATOMIC
	SELECT (p.observed_at AT TIME ZONE 'UTC')::date, p.levels FROM trackagoat.series_points(series_days.points) p;
END;
COMMENT ON FUNCTION trackagoat.series_days(trackagoat.series) IS
	'unrolls what sum_gains() answers: for each day the gains of all counters, then the baselines, then the numbers of baselines';

CREATE FUNCTION trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text) IS 'aggregate: one history more';
CREATE FUNCTION trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text, integer) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION trackagoat.sum_gains_add(internal, trackagoat.series, date, date, text, integer) IS 'aggregate: one counter of one history more';
CREATE FUNCTION trackagoat.sum_gains_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.sum_gains_combine(internal, internal) IS 'aggregate: two states in one';
CREATE FUNCTION trackagoat.sum_gains_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.sum_gains_serialize(internal) IS 'aggregate: a state for another process';
CREATE FUNCTION trackagoat.sum_gains_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.sum_gains_deserialize(bytea, internal) IS 'aggregate: a state from another process';
CREATE FUNCTION trackagoat.sum_gains_final(internal) RETURNS trackagoat.series
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.sum_gains_final(internal) IS 'aggregate: the sums';

CREATE AGGREGATE trackagoat.sum_gains(points trackagoat.series, from_date date, to_date date, tz text, counter integer) (
	SFUNC = trackagoat.sum_gains_add, STYPE = internal, SSPACE = 16384,
	COMBINEFUNC = trackagoat.sum_gains_combine,
	SERIALFUNC = trackagoat.sum_gains_serialize, DESERIALFUNC = trackagoat.sum_gains_deserialize,
	FINALFUNC = trackagoat.sum_gains_final, PARALLEL = safe);
COMMENT ON AGGREGATE trackagoat.sum_gains(trackagoat.series, date, date, text, integer) IS
	'the same of one counter, from 1: gain, baseline and number of baselines of each day';
CREATE AGGREGATE trackagoat.sum_gains(points trackagoat.series, from_date date, to_date date, tz text) (
	SFUNC = trackagoat.sum_gains_add, STYPE = internal, SSPACE = 16384,
	COMBINEFUNC = trackagoat.sum_gains_combine,
	SERIALFUNC = trackagoat.sum_gains_serialize, DESERIALFUNC = trackagoat.sum_gains_deserialize,
	FINALFUNC = trackagoat.sum_gains_final, PARALLEL = safe);
COMMENT ON AGGREGATE trackagoat.sum_gains(trackagoat.series, date, date, text) IS
	'the daily gains of many histories, both days included, in days of a time zone; series_days() unrolls them; window and zone must be one for all rows; PT400 invalid_window, invalid_timezone';
