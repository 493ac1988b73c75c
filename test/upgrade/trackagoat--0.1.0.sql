-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION trackagoat" to load this file. \quit

-- Every name below is qualified all the same; this keeps operators to the catalogue's.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- The type trackagoat.handle: a TikTok handle.  C: src/handle_type.c.

CREATE TYPE trackagoat.handle;

CREATE FUNCTION trackagoat.handle_in(cstring) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_in(cstring) IS 'input of type handle';

CREATE FUNCTION trackagoat.handle_out(trackagoat.handle) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_out(trackagoat.handle) IS 'output of type handle';

CREATE FUNCTION trackagoat.handle_recv(internal) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_recv(internal) IS 'binary input of type handle';

CREATE FUNCTION trackagoat.handle_send(trackagoat.handle) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_send(trackagoat.handle) IS 'binary output of type handle';

CREATE TYPE trackagoat.handle (
	INPUT = trackagoat.handle_in,
	OUTPUT = trackagoat.handle_out,
	RECEIVE = trackagoat.handle_recv,
	SEND = trackagoat.handle_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = main
);
COMMENT ON TYPE trackagoat.handle IS
	'TikTok handle: 1 to 30 letters, digits, ".", "_" or "-"; keeps its case, compares without it; one leading "@" is dropped on input';

-- Casts: a text becomes a handle on assignment; a handle becomes text only when asked.

CREATE FUNCTION trackagoat.handle(text) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME', 'handle_from_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle(text) IS 'convert text to handle';

CREATE FUNCTION trackagoat.text(trackagoat.handle) RETURNS text
	AS 'MODULE_PATHNAME', 'handle_to_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.text(trackagoat.handle) IS 'convert handle to text';

CREATE CAST (text AS trackagoat.handle) WITH FUNCTION trackagoat.handle(text) AS ASSIGNMENT;
CREATE CAST (varchar AS trackagoat.handle) WITH FUNCTION trackagoat.handle(text) AS ASSIGNMENT;
CREATE CAST (trackagoat.handle AS text) WITH FUNCTION trackagoat.text(trackagoat.handle);

-- Comparison, with a handle or with a text: without case, after one leading "@".
-- No function of these can fail, so all are leakproof: a policy of row-level
-- security then does not keep them from using an index.  Two texts compare as
-- handles by operators of another name, which nobody writes: the planner needs
-- them to hash or sort the texts that handles are compared with.

CREATE FUNCTION trackagoat.handle_eq(trackagoat.handle, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_eq(trackagoat.handle, trackagoat.handle) IS 'implementation of = operator';
CREATE FUNCTION trackagoat.handle_ne(trackagoat.handle, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_ne(trackagoat.handle, trackagoat.handle) IS 'implementation of <> operator';
CREATE FUNCTION trackagoat.handle_lt(trackagoat.handle, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_lt(trackagoat.handle, trackagoat.handle) IS 'implementation of < operator';
CREATE FUNCTION trackagoat.handle_le(trackagoat.handle, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_le(trackagoat.handle, trackagoat.handle) IS 'implementation of <= operator';
CREATE FUNCTION trackagoat.handle_gt(trackagoat.handle, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_gt(trackagoat.handle, trackagoat.handle) IS 'implementation of > operator';
CREATE FUNCTION trackagoat.handle_ge(trackagoat.handle, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_ge(trackagoat.handle, trackagoat.handle) IS 'implementation of >= operator';
CREATE FUNCTION trackagoat.handle_cmp(trackagoat.handle, trackagoat.handle) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_cmp(trackagoat.handle, trackagoat.handle) IS 'less-equal-greater';

CREATE FUNCTION trackagoat.handle_eq(trackagoat.handle, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_eq(trackagoat.handle, text) IS 'implementation of = operator';
CREATE FUNCTION trackagoat.handle_ne(trackagoat.handle, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_ne(trackagoat.handle, text) IS 'implementation of <> operator';
CREATE FUNCTION trackagoat.handle_lt(trackagoat.handle, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_lt(trackagoat.handle, text) IS 'implementation of < operator';
CREATE FUNCTION trackagoat.handle_le(trackagoat.handle, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_le(trackagoat.handle, text) IS 'implementation of <= operator';
CREATE FUNCTION trackagoat.handle_gt(trackagoat.handle, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_gt(trackagoat.handle, text) IS 'implementation of > operator';
CREATE FUNCTION trackagoat.handle_ge(trackagoat.handle, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_ge(trackagoat.handle, text) IS 'implementation of >= operator';
CREATE FUNCTION trackagoat.handle_cmp(trackagoat.handle, text) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_cmp(trackagoat.handle, text) IS 'less-equal-greater';

CREATE FUNCTION trackagoat.handle_eq(text, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_eq(text, trackagoat.handle) IS 'implementation of = operator';
CREATE FUNCTION trackagoat.handle_ne(text, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_ne(text, trackagoat.handle) IS 'implementation of <> operator';
CREATE FUNCTION trackagoat.handle_lt(text, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_lt(text, trackagoat.handle) IS 'implementation of < operator';
CREATE FUNCTION trackagoat.handle_le(text, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_le(text, trackagoat.handle) IS 'implementation of <= operator';
CREATE FUNCTION trackagoat.handle_gt(text, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_gt(text, trackagoat.handle) IS 'implementation of > operator';
CREATE FUNCTION trackagoat.handle_ge(text, trackagoat.handle) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_ge(text, trackagoat.handle) IS 'implementation of >= operator';
CREATE FUNCTION trackagoat.handle_cmp(text, trackagoat.handle) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_cmp(text, trackagoat.handle) IS 'less-equal-greater';

CREATE FUNCTION trackagoat.handle_eq(text, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_eq(text, text) IS 'implementation of @= operator';
CREATE FUNCTION trackagoat.handle_ne(text, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_ne(text, text) IS 'implementation of @<> operator';
CREATE FUNCTION trackagoat.handle_lt(text, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_lt(text, text) IS 'implementation of @< operator';
CREATE FUNCTION trackagoat.handle_le(text, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_le(text, text) IS 'implementation of @<= operator';
CREATE FUNCTION trackagoat.handle_gt(text, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_gt(text, text) IS 'implementation of @> operator';
CREATE FUNCTION trackagoat.handle_ge(text, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_ge(text, text) IS 'implementation of @>= operator';
CREATE FUNCTION trackagoat.handle_cmp(text, text) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_cmp(text, text) IS 'less-equal-greater';

CREATE OPERATOR trackagoat.= (
	LEFTARG = trackagoat.handle, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_eq,
	COMMUTATOR = OPERATOR(trackagoat.=), NEGATOR = OPERATOR(trackagoat.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR trackagoat.= (trackagoat.handle, trackagoat.handle) IS 'equal, without case';
CREATE OPERATOR trackagoat.<> (
	LEFTARG = trackagoat.handle, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_ne,
	COMMUTATOR = OPERATOR(trackagoat.<>), NEGATOR = OPERATOR(trackagoat.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR trackagoat.<> (trackagoat.handle, trackagoat.handle) IS 'not equal, without case';
CREATE OPERATOR trackagoat.< (
	LEFTARG = trackagoat.handle, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_lt,
	COMMUTATOR = OPERATOR(trackagoat.>), NEGATOR = OPERATOR(trackagoat.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR trackagoat.< (trackagoat.handle, trackagoat.handle) IS 'less than, without case';
CREATE OPERATOR trackagoat.<= (
	LEFTARG = trackagoat.handle, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_le,
	COMMUTATOR = OPERATOR(trackagoat.>=), NEGATOR = OPERATOR(trackagoat.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR trackagoat.<= (trackagoat.handle, trackagoat.handle) IS 'less than or equal, without case';
CREATE OPERATOR trackagoat.> (
	LEFTARG = trackagoat.handle, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_gt,
	COMMUTATOR = OPERATOR(trackagoat.<), NEGATOR = OPERATOR(trackagoat.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR trackagoat.> (trackagoat.handle, trackagoat.handle) IS 'greater than, without case';
CREATE OPERATOR trackagoat.>= (
	LEFTARG = trackagoat.handle, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_ge,
	COMMUTATOR = OPERATOR(trackagoat.<=), NEGATOR = OPERATOR(trackagoat.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR trackagoat.>= (trackagoat.handle, trackagoat.handle) IS 'greater than or equal, without case';

CREATE OPERATOR trackagoat.= (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_eq,
	COMMUTATOR = OPERATOR(trackagoat.=), NEGATOR = OPERATOR(trackagoat.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR trackagoat.= (trackagoat.handle, text) IS 'equal, without case';
CREATE OPERATOR trackagoat.<> (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_ne,
	COMMUTATOR = OPERATOR(trackagoat.<>), NEGATOR = OPERATOR(trackagoat.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR trackagoat.<> (trackagoat.handle, text) IS 'not equal, without case';
CREATE OPERATOR trackagoat.< (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_lt,
	COMMUTATOR = OPERATOR(trackagoat.>), NEGATOR = OPERATOR(trackagoat.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR trackagoat.< (trackagoat.handle, text) IS 'less than, without case';
CREATE OPERATOR trackagoat.<= (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_le,
	COMMUTATOR = OPERATOR(trackagoat.>=), NEGATOR = OPERATOR(trackagoat.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR trackagoat.<= (trackagoat.handle, text) IS 'less than or equal, without case';
CREATE OPERATOR trackagoat.> (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_gt,
	COMMUTATOR = OPERATOR(trackagoat.<), NEGATOR = OPERATOR(trackagoat.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR trackagoat.> (trackagoat.handle, text) IS 'greater than, without case';
CREATE OPERATOR trackagoat.>= (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_ge,
	COMMUTATOR = OPERATOR(trackagoat.<=), NEGATOR = OPERATOR(trackagoat.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR trackagoat.>= (trackagoat.handle, text) IS 'greater than or equal, without case';

CREATE OPERATOR trackagoat.= (
	LEFTARG = text, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_eq,
	COMMUTATOR = OPERATOR(trackagoat.=), NEGATOR = OPERATOR(trackagoat.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR trackagoat.= (text, trackagoat.handle) IS 'equal, without case';
CREATE OPERATOR trackagoat.<> (
	LEFTARG = text, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_ne,
	COMMUTATOR = OPERATOR(trackagoat.<>), NEGATOR = OPERATOR(trackagoat.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR trackagoat.<> (text, trackagoat.handle) IS 'not equal, without case';
CREATE OPERATOR trackagoat.< (
	LEFTARG = text, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_lt,
	COMMUTATOR = OPERATOR(trackagoat.>), NEGATOR = OPERATOR(trackagoat.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR trackagoat.< (text, trackagoat.handle) IS 'less than, without case';
CREATE OPERATOR trackagoat.<= (
	LEFTARG = text, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_le,
	COMMUTATOR = OPERATOR(trackagoat.>=), NEGATOR = OPERATOR(trackagoat.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR trackagoat.<= (text, trackagoat.handle) IS 'less than or equal, without case';
CREATE OPERATOR trackagoat.> (
	LEFTARG = text, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_gt,
	COMMUTATOR = OPERATOR(trackagoat.<), NEGATOR = OPERATOR(trackagoat.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR trackagoat.> (text, trackagoat.handle) IS 'greater than, without case';
CREATE OPERATOR trackagoat.>= (
	LEFTARG = text, RIGHTARG = trackagoat.handle, FUNCTION = trackagoat.handle_ge,
	COMMUTATOR = OPERATOR(trackagoat.<=), NEGATOR = OPERATOR(trackagoat.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR trackagoat.>= (text, trackagoat.handle) IS 'greater than or equal, without case';

CREATE OPERATOR trackagoat.@= (
	LEFTARG = text, RIGHTARG = text, FUNCTION = trackagoat.handle_eq,
	COMMUTATOR = OPERATOR(trackagoat.@=), NEGATOR = OPERATOR(trackagoat.@<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR trackagoat.@= (text, text) IS 'equal, as handles';
CREATE OPERATOR trackagoat.@<> (
	LEFTARG = text, RIGHTARG = text, FUNCTION = trackagoat.handle_ne,
	COMMUTATOR = OPERATOR(trackagoat.@<>), NEGATOR = OPERATOR(trackagoat.@=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR trackagoat.@<> (text, text) IS 'not equal, as handles';
CREATE OPERATOR trackagoat.@< (
	LEFTARG = text, RIGHTARG = text, FUNCTION = trackagoat.handle_lt,
	COMMUTATOR = OPERATOR(trackagoat.@>), NEGATOR = OPERATOR(trackagoat.@>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR trackagoat.@< (text, text) IS 'less than, as handles';
CREATE OPERATOR trackagoat.@<= (
	LEFTARG = text, RIGHTARG = text, FUNCTION = trackagoat.handle_le,
	COMMUTATOR = OPERATOR(trackagoat.@>=), NEGATOR = OPERATOR(trackagoat.@>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR trackagoat.@<= (text, text) IS 'less than or equal, as handles';
CREATE OPERATOR trackagoat.@> (
	LEFTARG = text, RIGHTARG = text, FUNCTION = trackagoat.handle_gt,
	COMMUTATOR = OPERATOR(trackagoat.@<), NEGATOR = OPERATOR(trackagoat.@<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR trackagoat.@> (text, text) IS 'greater than, as handles';
CREATE OPERATOR trackagoat.@>= (
	LEFTARG = text, RIGHTARG = text, FUNCTION = trackagoat.handle_ge,
	COMMUTATOR = OPERATOR(trackagoat.@<=), NEGATOR = OPERATOR(trackagoat.@<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR trackagoat.@>= (text, text) IS 'greater than or equal, as handles';

-- Patterns: LIKE and ILIKE, both without case, as everything about handles is.

CREATE FUNCTION trackagoat.handle_like(trackagoat.handle, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_like(trackagoat.handle, text) IS 'implementation of ~~ and ~~* operators';

CREATE FUNCTION trackagoat.handle_not_like(trackagoat.handle, text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_not_like(trackagoat.handle, text) IS 'implementation of !~~ and !~~* operators';

CREATE OPERATOR trackagoat.~~ (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_like,
	NEGATOR = OPERATOR(trackagoat.!~~), RESTRICT = iclikesel, JOIN = iclikejoinsel
);
COMMENT ON OPERATOR trackagoat.~~ (trackagoat.handle, text) IS 'matches LIKE expression, without case';
CREATE OPERATOR trackagoat.!~~ (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_not_like,
	NEGATOR = OPERATOR(trackagoat.~~), RESTRICT = icnlikesel, JOIN = icnlikejoinsel
);
COMMENT ON OPERATOR trackagoat.!~~ (trackagoat.handle, text) IS 'does not match LIKE expression, without case';
CREATE OPERATOR trackagoat.~~* (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_like,
	NEGATOR = OPERATOR(trackagoat.!~~*), RESTRICT = iclikesel, JOIN = iclikejoinsel
);
COMMENT ON OPERATOR trackagoat.~~* (trackagoat.handle, text) IS 'matches LIKE expression, without case';
CREATE OPERATOR trackagoat.!~~* (
	LEFTARG = trackagoat.handle, RIGHTARG = text, FUNCTION = trackagoat.handle_not_like,
	NEGATOR = OPERATOR(trackagoat.~~*), RESTRICT = icnlikesel, JOIN = icnlikejoinsel
);
COMMENT ON OPERATOR trackagoat.!~~* (trackagoat.handle, text) IS 'does not match LIKE expression, without case';

-- Operator classes.  Equal handles differ in bytes, so there is no equalimage
-- function: a B-tree on handles must not deduplicate.

CREATE FUNCTION trackagoat.handle_sortsupport(internal) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_sortsupport(internal) IS 'sort support of type handle';

CREATE FUNCTION trackagoat.handle_hash(trackagoat.handle) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_hash(trackagoat.handle) IS 'hash of a handle, without case';

CREATE FUNCTION trackagoat.handle_hash(text) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_hash(text) IS 'hash of a text that is compared with handles';

CREATE FUNCTION trackagoat.handle_hash_extended(trackagoat.handle, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_hash_extended(trackagoat.handle, bigint) IS 'seeded hash of a handle, without case';

CREATE FUNCTION trackagoat.handle_hash_extended(text, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_hash_extended(text, bigint) IS 'seeded hash of a text that is compared with handles';

CREATE OPERATOR FAMILY trackagoat.handle_ops USING btree;
COMMENT ON OPERATOR FAMILY trackagoat.handle_ops USING btree IS 'order of handles, among themselves and with text';
CREATE OPERATOR CLASS trackagoat.handle_ops DEFAULT FOR TYPE trackagoat.handle USING btree FAMILY trackagoat.handle_ops AS
	OPERATOR 1 trackagoat.< (trackagoat.handle, trackagoat.handle),
	OPERATOR 2 trackagoat.<= (trackagoat.handle, trackagoat.handle),
	OPERATOR 3 trackagoat.= (trackagoat.handle, trackagoat.handle),
	OPERATOR 4 trackagoat.>= (trackagoat.handle, trackagoat.handle),
	OPERATOR 5 trackagoat.> (trackagoat.handle, trackagoat.handle),
	FUNCTION 1 trackagoat.handle_cmp(trackagoat.handle, trackagoat.handle),
	FUNCTION 2 trackagoat.handle_sortsupport(internal);
COMMENT ON OPERATOR CLASS trackagoat.handle_ops USING btree IS 'order of handles, without case';
ALTER OPERATOR FAMILY trackagoat.handle_ops USING btree ADD
	OPERATOR 1 trackagoat.< (trackagoat.handle, text),
	OPERATOR 2 trackagoat.<= (trackagoat.handle, text),
	OPERATOR 3 trackagoat.= (trackagoat.handle, text),
	OPERATOR 4 trackagoat.>= (trackagoat.handle, text),
	OPERATOR 5 trackagoat.> (trackagoat.handle, text),
	OPERATOR 1 trackagoat.< (text, trackagoat.handle),
	OPERATOR 2 trackagoat.<= (text, trackagoat.handle),
	OPERATOR 3 trackagoat.= (text, trackagoat.handle),
	OPERATOR 4 trackagoat.>= (text, trackagoat.handle),
	OPERATOR 5 trackagoat.> (text, trackagoat.handle),
	OPERATOR 1 trackagoat.@< (text, text),
	OPERATOR 2 trackagoat.@<= (text, text),
	OPERATOR 3 trackagoat.@= (text, text),
	OPERATOR 4 trackagoat.@>= (text, text),
	OPERATOR 5 trackagoat.@> (text, text),
	FUNCTION 1 (trackagoat.handle, text) trackagoat.handle_cmp(trackagoat.handle, text),
	FUNCTION 1 (text, trackagoat.handle) trackagoat.handle_cmp(text, trackagoat.handle),
	FUNCTION 1 (text, text) trackagoat.handle_cmp(text, text);

CREATE OPERATOR FAMILY trackagoat.handle_ops USING hash;
COMMENT ON OPERATOR FAMILY trackagoat.handle_ops USING hash IS 'hashes of handles, and of text compared with them';
CREATE OPERATOR CLASS trackagoat.handle_ops DEFAULT FOR TYPE trackagoat.handle USING hash FAMILY trackagoat.handle_ops AS
	OPERATOR 1 trackagoat.= (trackagoat.handle, trackagoat.handle),
	FUNCTION 1 trackagoat.handle_hash(trackagoat.handle),
	FUNCTION 2 trackagoat.handle_hash_extended(trackagoat.handle, bigint);
COMMENT ON OPERATOR CLASS trackagoat.handle_ops USING hash IS 'hashes of handles, without case';
ALTER OPERATOR FAMILY trackagoat.handle_ops USING hash ADD
	OPERATOR 1 trackagoat.= (trackagoat.handle, text),
	OPERATOR 1 trackagoat.= (text, trackagoat.handle),
	OPERATOR 1 trackagoat.@= (text, text),
	FUNCTION 1 (text, text) trackagoat.handle_hash(text),
	FUNCTION 2 (text, text) trackagoat.handle_hash_extended(text, bigint);

CREATE FUNCTION trackagoat.handle_larger(trackagoat.handle, trackagoat.handle) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_larger(trackagoat.handle, trackagoat.handle) IS 'larger of two handles';
CREATE AGGREGATE trackagoat.max(trackagoat.handle) (
	SFUNC = trackagoat.handle_larger, STYPE = trackagoat.handle, COMBINEFUNC = trackagoat.handle_larger,
	SORTOP = OPERATOR(trackagoat.>), PARALLEL = SAFE
);
COMMENT ON AGGREGATE trackagoat.max(trackagoat.handle) IS 'greatest handle of all input values, without case';
CREATE FUNCTION trackagoat.handle_smaller(trackagoat.handle, trackagoat.handle) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.handle_smaller(trackagoat.handle, trackagoat.handle) IS 'smaller of two handles';
CREATE AGGREGATE trackagoat.min(trackagoat.handle) (
	SFUNC = trackagoat.handle_smaller, STYPE = trackagoat.handle, COMBINEFUNC = trackagoat.handle_smaller,
	SORTOP = OPERATOR(trackagoat.<), PARALLEL = SAFE
);
COMMENT ON AGGREGATE trackagoat.min(trackagoat.handle) IS 'smallest handle of all input values, without case';

-- Enums, ids and what a video id says.

CREATE TYPE trackagoat.tracking_mode AS ENUM ('auto', 'selective');
COMMENT ON TYPE trackagoat.tracking_mode IS
	'how new videos of a creator enter: auto = counted at once, selective = wait for review';

CREATE TYPE trackagoat.tracking_status AS ENUM
	('auto_tracked', 'pending_review', 'included', 'excluded', 'direct_add');
COMMENT ON TYPE trackagoat.tracking_status IS
	'where a video stands: auto_tracked, included and direct_add count; pending_review waits in the inbox; excluded was rejected';

CREATE TYPE trackagoat.goal_type AS ENUM ('posts', 'views', 'views_per_post', 'engagement', 'followers');
COMMENT ON TYPE trackagoat.goal_type IS 'what a goal measures';

CREATE TYPE trackagoat.goal_period AS ENUM ('daily', 'weekly', 'monthly');
COMMENT ON TYPE trackagoat.goal_period IS 'how often a goal begins anew';

CREATE TYPE trackagoat.goal_status AS ENUM
	('on_track', 'behind_pace', 'at_risk', 'completed', 'missed', 'not_yet_started', 'no_data');
COMMENT ON TYPE trackagoat.goal_status IS 'where a goal stands in its period';

CREATE TYPE trackagoat.scrape_kind AS ENUM ('creator_profile', 'discover_videos', 'video_stats');
COMMENT ON TYPE trackagoat.scrape_kind IS
	'what a scrape fetches: a profile, the list of a creator''s videos, or one video';

CREATE FUNCTION trackagoat.uuidv7() RETURNS uuid
	AS 'MODULE_PATHNAME', 'trackagoat_uuidv7' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.uuidv7() IS 'new UUID version 7: its order is the order of creation';

CREATE FUNCTION trackagoat.video_id_time(tiktok_video_id bigint) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN tiktok_video_id > 0
		THEN pg_catalog.to_timestamp((tiktok_video_id >> 32)::double precision) END;
COMMENT ON FUNCTION trackagoat.video_id_time(bigint) IS
	'when TikTok allotted the id (its upper 32 bits): at or before the time of posting';

CREATE FUNCTION trackagoat.parse_handle(text) RETURNS trackagoat.handle
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.parse_handle(text) IS
	'handle in "name", "@name" or the URL of a profile; PT409 invalid_handle otherwise';

CREATE FUNCTION trackagoat.parse_video_url(
	text, OUT tiktok_handle trackagoat.handle, OUT tiktok_video_id bigint, OUT kind text)
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.parse_video_url(text) IS
	'what the URL of a video names; kind is video, photo or short (a short link names no id); PT400 invalid_video_url otherwise';

-- What TikTok's pages and API bodies say.  C: src/read_page.c over src/page.c.

CREATE FUNCTION trackagoat.read_page(body bytea) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'read_page' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.read_page(bytea) IS
	'what a fetched TikTok page or API body says: its source, the outcome, the account and the videos it shows; any bytes are answered, never with an error';

-- Trigger functions that keep keys and times of the tenant tables.

CREATE FUNCTION trackagoat.is_timezone(name text) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.is_timezone(text) IS 'whether the server knows the time zone';

CREATE FUNCTION trackagoat.touch_updated_at() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	NEW.updated_at := now();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.touch_updated_at() IS 'trigger: updated_at is the time of this transaction';

CREATE FUNCTION trackagoat.parent_missing(parent text, child text, id uuid) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE foreign_key_violation USING
		MESSAGE = CASE WHEN id IS NULL THEN format('%s_id is missing', parent)
			ELSE format('%s %s does not exist, or not just once', parent, id) END,
		DETAIL = format('A row of %s was to be inserted for it.', child),
		HINT = format('Name an id of trackagoat.%s, and org_id where several organizations have it.', parent),
		SCHEMA = 'trackagoat', TABLE = child, CONSTRAINT = child || '_' || parent || '_fkey';
END
$$;
COMMENT ON FUNCTION trackagoat.parent_missing(text, text, uuid) IS
	'raises foreign_key_violation for a row whose parent does not exist, or is in several organizations';

CREATE FUNCTION trackagoat.creator_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	IF NEW.org_id IS NULL OR NEW.tracking_start_date IS NULL THEN
		SELECT p.org_id, (now() AT TIME ZONE o.timezone)::date AS today, count(*) OVER () AS found INTO parent
		FROM trackagoat.project p JOIN trackagoat.organization o ON o.id = p.org_id
		WHERE p.id = NEW.project_id AND p.org_id = coalesce(NEW.org_id, p.org_id);
		IF parent.found IS DISTINCT FROM 1 THEN
			PERFORM trackagoat.parent_missing('project', 'creator', NEW.project_id);
		END IF;
		NEW.org_id := coalesce(NEW.org_id, parent.org_id);
		NEW.tracking_start_date := coalesce(NEW.tracking_start_date, parent.today);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_fill() IS
	'trigger: org_id from the project, tracking_start_date from the organization''s calendar';

CREATE FUNCTION trackagoat.creator_rename() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	NEW.tiktok_account_id := NULL;
	NEW.tiktok_sec_uid := NULL;
	NEW.display_name := NULL;
	NEW.bio := NULL;
	NEW.avatar_url := NULL;
	NEW.is_verified := NULL;
	NEW.is_private := NULL;
	NEW.follower_count := NULL;
	NEW.following_count := NULL;
	NEW.total_likes_count := NULL;
	NEW.video_count := NULL;
	NEW.last_observed_at := NULL;
	NEW.last_scraped_at := NULL;
	NEW.baseline_at := clock_timestamp();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_rename() IS
	'trigger: a new handle may be another account, so what the old one''s profile showed is cleared';

CREATE FUNCTION trackagoat.creator_relist() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	NEW.listing_wanted_at := clock_timestamp();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_relist() IS
	'trigger: what earlier listings of videos saw may not be all that this creator now wants';

CREATE FUNCTION trackagoat.project_organization(project_id uuid, child text) RETURNS uuid
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	SELECT p.org_id, count(*) OVER () AS found INTO parent
	FROM trackagoat.project p WHERE p.id = project_organization.project_id;
	IF parent.found IS DISTINCT FROM 1 THEN
		PERFORM trackagoat.parent_missing('project', child, project_organization.project_id);
	END IF;
	RETURN parent.org_id;
END
$$;
COMMENT ON FUNCTION trackagoat.project_organization(uuid, text) IS
	'the organization of a project, for a row that names the project alone';

CREATE FUNCTION trackagoat.video_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	IF NEW.project_id IS NULL AND NEW.creator_id IS NOT NULL THEN
		SELECT c.project_id, c.org_id, count(*) OVER () AS found INTO parent
		FROM trackagoat.creator c
		WHERE c.id = NEW.creator_id AND c.org_id = coalesce(NEW.org_id, c.org_id);
		IF parent.found IS DISTINCT FROM 1 THEN
			PERFORM trackagoat.parent_missing('creator', 'video', NEW.creator_id);
		END IF;
		NEW.project_id := parent.project_id;
		NEW.org_id := parent.org_id;
	ELSIF NEW.org_id IS NULL THEN
		NEW.org_id := trackagoat.project_organization(NEW.project_id, 'video');
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.video_fill() IS 'trigger: project_id from the creator, org_id from the project';

CREATE FUNCTION trackagoat.campaign_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF NEW.org_id IS NULL THEN
		NEW.org_id := trackagoat.project_organization(NEW.project_id, 'campaign');
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.campaign_fill() IS 'trigger: org_id from the project';

CREATE FUNCTION trackagoat.campaign_item_fill() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	parent record;
BEGIN
	IF NEW.org_id IS NULL OR NEW.project_id IS NULL THEN
		SELECT c.org_id, c.project_id, count(*) OVER () AS found INTO parent
		FROM trackagoat.campaign c
		WHERE c.id = NEW.campaign_id AND c.org_id = coalesce(NEW.org_id, c.org_id);
		IF parent.found IS DISTINCT FROM 1 THEN
			PERFORM trackagoat.parent_missing('campaign', 'campaign_item', NEW.campaign_id);
		END IF;
		NEW.org_id := coalesce(NEW.org_id, parent.org_id);
		NEW.project_id := coalesce(NEW.project_id, parent.project_id);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION trackagoat.campaign_item_fill() IS 'trigger: org_id and project_id from the campaign';

-- Observations: the one way in for numbers, from the worker and from imports.

CREATE FUNCTION trackagoat.check_observations(entity text, ids uuid[], observed_at timestamptz[], lengths integer[]) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF ids IS NULL OR array_position(ids, NULL) IS NOT NULL
		OR observed_at IS NULL OR array_position(observed_at, NULL) IS NOT NULL
		OR '-infinity' = ANY (observed_at) OR now() + interval '1 day' < ANY (observed_at)
	THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_observation',
			DETAIL = 'An id or a time is NULL, or a time is infinite or more than a day ahead.',
			HINT = format('Give the id of a row of trackagoat.%s and when the numbers were seen.', entity);
	END IF;
	IF cardinality(ids) <> cardinality(observed_at) OR cardinality(ids) <> ANY (lengths) THEN
		RAISE SQLSTATE 'PT400' USING
			MESSAGE = 'invalid_observation',
			DETAIL = format('%s ids came with %s times and counters of lengths %s.',
				cardinality(ids), cardinality(observed_at), lengths),
			HINT = 'Give one element for each id in every array, NULL where a number is not known; or NULL for a whole array.';
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_observations(text, uuid[], timestamptz[], integer[]) IS
	'raises PT400 invalid_observation for arrays that do not match';

CREATE FUNCTION trackagoat.entity_missing(entity text, id uuid) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RAISE SQLSTATE 'PT404' USING
		MESSAGE = entity || '_not_found',
		DETAIL = format('There is not exactly one %s with id %s.', entity, coalesce(id::text, 'NULL')),
		HINT = format('Name an id of trackagoat.%s.', entity);
END
$$;
COMMENT ON FUNCTION trackagoat.entity_missing(text, uuid) IS 'raises PT404 for an id that is not there';

CREATE FUNCTION trackagoat.observe_videos(
	video_ids uuid[], observed_at timestamptz[],
	views bigint[], likes bigint[], comments bigint[], shares bigint[], saves bigint[],
	source text DEFAULT 'import', exact boolean DEFAULT true, for_org uuid DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	stored integer;
	locked integer;
	missing uuid;
BEGIN
	PERFORM trackagoat.check_observations('video', video_ids, observe_videos.observed_at,
		array_remove(ARRAY[cardinality(views), cardinality(likes), cardinality(comments), cardinality(shares), cardinality(saves)], NULL));

	-- one order of locks for everybody, so that two sessions never wait for each other
	PERFORM FROM trackagoat.video e
	WHERE e.id = ANY (video_ids) AND (for_org IS NULL OR e.org_id = for_org)
	ORDER BY e.id, e.org_id FOR NO KEY UPDATE;
	GET DIAGNOSTICS locked = ROW_COUNT;

	IF locked <> (SELECT count(DISTINCT o.id) FROM unnest(video_ids) o (id)) THEN
		SELECT o.id INTO missing FROM unnest(video_ids) o (id)
		WHERE (SELECT count(*) FROM trackagoat.video e
			WHERE e.id = o.id AND (for_org IS NULL OR e.org_id = for_org)) <> 1 LIMIT 1;
		PERFORM trackagoat.entity_missing('video', missing);
	END IF;

	-- of several observations of one moment, the last that knows a counter holds
	INSERT INTO trackagoat.video_history AS h (video_id, org_id, observed_at,
		view_count, like_count, comment_count, share_count, save_count, exact, source)
	SELECT o.id, e.org_id, o.seen_at,
		(array_agg(o.views ORDER BY o.n DESC) FILTER (WHERE o.views IS NOT NULL))[1],
		(array_agg(o.likes ORDER BY o.n DESC) FILTER (WHERE o.likes IS NOT NULL))[1],
		(array_agg(o.comments ORDER BY o.n DESC) FILTER (WHERE o.comments IS NOT NULL))[1],
		(array_agg(o.shares ORDER BY o.n DESC) FILTER (WHERE o.shares IS NOT NULL))[1],
		(array_agg(o.saves ORDER BY o.n DESC) FILTER (WHERE o.saves IS NOT NULL))[1],
		observe_videos.exact, observe_videos.source
	FROM unnest(video_ids, observe_videos.observed_at, views, likes, comments, shares, saves)
		WITH ORDINALITY o (id, seen_at, views, likes, comments, shares, saves, n)
	JOIN trackagoat.video e ON e.id = o.id AND (for_org IS NULL OR e.org_id = for_org)
	GROUP BY o.id, e.org_id, o.seen_at
	ON CONFLICT ON CONSTRAINT video_history_pkey DO UPDATE SET
		view_count = coalesce(excluded.view_count, h.view_count),
		like_count = coalesce(excluded.like_count, h.like_count),
		comment_count = coalesce(excluded.comment_count, h.comment_count),
		share_count = coalesce(excluded.share_count, h.share_count),
		save_count = coalesce(excluded.save_count, h.save_count),
		exact = excluded.exact, source = excluded.source;
	GET DIAGNOSTICS stored = ROW_COUNT;

	-- the current counters: of each, the newest that is known
	UPDATE trackagoat.video e SET
		view_count = (SELECT h.view_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.view_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		like_count = (SELECT h.like_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.like_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		comment_count = (SELECT h.comment_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.comment_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		share_count = (SELECT h.share_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.share_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		save_count = (SELECT h.save_count FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id AND h.save_count IS NOT NULL ORDER BY h.observed_at DESC LIMIT 1),
		last_observed_at = (SELECT max(h.observed_at) FROM trackagoat.video_history h
			WHERE h.video_id = e.id AND h.org_id = e.org_id)
	WHERE e.id = ANY (video_ids) AND (for_org IS NULL OR e.org_id = for_org);

	RETURN stored;
END
$$;
COMMENT ON FUNCTION trackagoat.observe_videos(uuid[], timestamptz[], bigint[], bigint[], bigint[], bigint[], bigint[], text, boolean, uuid) IS
	'store observations of videos, in any order of time; answers how many points were stored; PT404 video_not_found, PT400 invalid_observation';

CREATE FUNCTION trackagoat.observe_video(
	video_id uuid, observed_at timestamptz,
	views bigint, likes bigint, comments bigint, shares bigint, saves bigint,
	source text DEFAULT 'import', exact boolean DEFAULT true) RETURNS integer
	LANGUAGE sql VOLATILE
	RETURN trackagoat.observe_videos(ARRAY[video_id], ARRAY[observed_at], ARRAY[views], ARRAY[likes], ARRAY[comments], ARRAY[shares], ARRAY[saves], source, exact);
COMMENT ON FUNCTION trackagoat.observe_video(uuid, timestamptz, bigint, bigint, bigint, bigint, bigint, text, boolean) IS
	'store one observation of a video, in any order of time; NULL is a number not known';

CREATE FUNCTION trackagoat.observe_creators(
	creator_ids uuid[], observed_at timestamptz[],
	followers bigint[], following bigint[], likes bigint[], videos bigint[],
	source text DEFAULT 'import', exact boolean DEFAULT true, for_org uuid DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	stored integer;
	locked integer;
	missing uuid;
BEGIN
	PERFORM trackagoat.check_observations('creator', creator_ids, observe_creators.observed_at,
		array_remove(ARRAY[cardinality(followers), cardinality(following), cardinality(likes), cardinality(videos)], NULL));

	-- one order of locks for everybody, so that two sessions never wait for each other
	PERFORM FROM trackagoat.creator e
	WHERE e.id = ANY (creator_ids) AND (for_org IS NULL OR e.org_id = for_org)
	ORDER BY e.id, e.org_id FOR NO KEY UPDATE;
	GET DIAGNOSTICS locked = ROW_COUNT;

	IF locked <> (SELECT count(DISTINCT o.id) FROM unnest(creator_ids) o (id)) THEN
		SELECT o.id INTO missing FROM unnest(creator_ids) o (id)
		WHERE (SELECT count(*) FROM trackagoat.creator e
			WHERE e.id = o.id AND (for_org IS NULL OR e.org_id = for_org)) <> 1 LIMIT 1;
		PERFORM trackagoat.entity_missing('creator', missing);
	END IF;

	-- of several observations of one moment, the last that knows a counter holds
	INSERT INTO trackagoat.creator_history AS h (creator_id, org_id, observed_at,
		follower_count, following_count, total_likes_count, video_count, exact, source)
	SELECT o.id, e.org_id, o.seen_at,
		(array_agg(o.followers ORDER BY o.n DESC) FILTER (WHERE o.followers IS NOT NULL))[1],
		(array_agg(o.following ORDER BY o.n DESC) FILTER (WHERE o.following IS NOT NULL))[1],
		(array_agg(o.likes ORDER BY o.n DESC) FILTER (WHERE o.likes IS NOT NULL))[1],
		(array_agg(o.videos ORDER BY o.n DESC) FILTER (WHERE o.videos IS NOT NULL))[1],
		observe_creators.exact, observe_creators.source
	FROM unnest(creator_ids, observe_creators.observed_at, followers, following, likes, videos)
		WITH ORDINALITY o (id, seen_at, followers, following, likes, videos, n)
	JOIN trackagoat.creator e ON e.id = o.id AND (for_org IS NULL OR e.org_id = for_org)
	GROUP BY o.id, e.org_id, o.seen_at
	ON CONFLICT ON CONSTRAINT creator_history_pkey DO UPDATE SET
		follower_count = coalesce(excluded.follower_count, h.follower_count),
		following_count = coalesce(excluded.following_count, h.following_count),
		total_likes_count = coalesce(excluded.total_likes_count, h.total_likes_count),
		video_count = coalesce(excluded.video_count, h.video_count),
		exact = excluded.exact, source = excluded.source;
	GET DIAGNOSTICS stored = ROW_COUNT;

	-- the current counters: of each, the newest that is known
	UPDATE trackagoat.creator e SET
		follower_count = (SELECT h.follower_count FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.follower_count IS NOT NULL AND h.observed_at >= e.baseline_at ORDER BY h.observed_at DESC LIMIT 1),
		following_count = (SELECT h.following_count FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.following_count IS NOT NULL AND h.observed_at >= e.baseline_at ORDER BY h.observed_at DESC LIMIT 1),
		total_likes_count = (SELECT h.total_likes_count FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.total_likes_count IS NOT NULL AND h.observed_at >= e.baseline_at ORDER BY h.observed_at DESC LIMIT 1),
		video_count = (SELECT h.video_count FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.video_count IS NOT NULL AND h.observed_at >= e.baseline_at ORDER BY h.observed_at DESC LIMIT 1),
		last_observed_at = (SELECT max(h.observed_at) FROM trackagoat.creator_history h
			WHERE h.creator_id = e.id AND h.org_id = e.org_id AND h.observed_at >= e.baseline_at)
	WHERE e.id = ANY (creator_ids) AND (for_org IS NULL OR e.org_id = for_org);

	RETURN stored;
END
$$;
COMMENT ON FUNCTION trackagoat.observe_creators(uuid[], timestamptz[], bigint[], bigint[], bigint[], bigint[], text, boolean, uuid) IS
	'store observations of creators, in any order of time; answers how many points were stored; PT404 creator_not_found, PT400 invalid_observation';

CREATE FUNCTION trackagoat.observe_creator(
	creator_id uuid, observed_at timestamptz,
	followers bigint, following bigint, likes bigint, videos bigint,
	source text DEFAULT 'import', exact boolean DEFAULT true) RETURNS integer
	LANGUAGE sql VOLATILE
	RETURN trackagoat.observe_creators(ARRAY[creator_id], ARRAY[observed_at], ARRAY[followers], ARRAY[following], ARRAY[likes], ARRAY[videos], source, exact);
COMMENT ON FUNCTION trackagoat.observe_creator(uuid, timestamptz, bigint, bigint, bigint, bigint, text, boolean) IS
	'store one observation of a creator, in any order of time; NULL is a number not known';

-- Campaigns: what is below one, each once, and its totals.  C: src/campaign.c.

CREATE FUNCTION trackagoat.campaign_item_cycle() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.campaign_item_cycle() IS
	'trigger: PT409 campaign_cycle for a campaign that would hold itself, directly or through others';

CREATE FUNCTION trackagoat.video_counts(status trackagoat.tracking_status, creator_removed_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN status IN ('auto_tracked', 'included', 'direct_add') AND creator_removed_at IS NULL;
COMMENT ON FUNCTION trackagoat.video_counts(trackagoat.tracking_status, timestamptz) IS
	'whether a video counts in totals: by its status, and its creator, if any, is not removed';

CREATE FUNCTION trackagoat.campaign_tree(campaign_id uuid) RETURNS TABLE (id uuid, depth integer)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 10
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.campaign_tree(uuid) IS
	'the campaign and every campaign below it, each once, with the least depth at which it is found; no row for an id that is no campaign';

CREATE FUNCTION trackagoat.campaign_videos(campaign_id uuid) RETURNS TABLE (video_id uuid)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 1000
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.campaign_videos(uuid) IS
	'the counted videos below the campaign, each once however many paths lead to it';

CREATE FUNCTION trackagoat.campaign_stats(
	campaign_id uuid,
	OUT creators bigint, OUT videos bigint,
	OUT views bigint, OUT likes bigint, OUT comments bigint, OUT shares bigint, OUT saves bigint,
	OUT engagement_rate numeric)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, trackagoat, pg_temp;
COMMENT ON FUNCTION trackagoat.campaign_stats(uuid) IS
	'totals to date of the counted videos below the campaign, each counted once; a total is NULL where no video shows the counter; engagement_rate is (likes + comments + shares + saves) / views * 100; PT404 campaign_not_found';

-- The queue of scrapes: who wants what, what makes jobs, what is due.
-- The worker (src/worker) claims, fetches outside of any transaction, stores
-- per organization and finishes, each in a transaction of its own.

CREATE FUNCTION trackagoat.wake_worker() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION trackagoat.wake_worker() IS 'trigger: wakes this database''s worker when the transaction commits';

CREATE FUNCTION trackagoat.video_is_fetched(
	status trackagoat.tracking_status, tracking_disabled_at timestamptz, refresh_stopped_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN status <> 'excluded' AND tracking_disabled_at IS NULL AND refresh_stopped_at IS NULL;
COMMENT ON FUNCTION trackagoat.video_is_fetched(trackagoat.tracking_status, timestamptz, timestamptz) IS
	'whether the counters of a video are fetched, as long as its creator, if any, is active';

CREATE FUNCTION trackagoat.scrape_targets(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint)
	RETURNS TABLE (org_id uuid, every interval)
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
BEGIN
	IF scrape_targets.kind = 'video_stats' THEN
		RETURN QUERY SELECT o.id, o.video_stats_interval
		FROM trackagoat.organization o
		WHERE o.id IN (
			SELECT v.org_id FROM trackagoat.video v LEFT JOIN trackagoat.creator c ON c.id = v.creator_id AND c.org_id = v.org_id
			WHERE v.tiktok_video_id = scrape_targets.tiktok_video_id
				AND trackagoat.video_is_fetched(v.tracking_status, v.tracking_disabled_at, v.refresh_stopped_at)
				AND coalesce(c.is_active, true));
	ELSE
		RETURN QUERY SELECT o.id, CASE scrape_targets.kind
			WHEN 'creator_profile' THEN o.creator_profile_interval ELSE o.discover_videos_interval END
		FROM trackagoat.organization o
		WHERE o.id IN (
			SELECT c.org_id FROM trackagoat.creator c
			WHERE c.tiktok_handle = scrape_targets.tiktok_handle AND c.removed_at IS NULL AND c.is_active);
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_targets(trackagoat.scrape_kind, trackagoat.handle, bigint) IS
	'the organizations that want an account or video fetched, and how often; none means that nobody does';

CREATE FUNCTION trackagoat.lock_scrape_target(tiktok_handle trackagoat.handle, tiktok_video_id bigint) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	-- 64 locks for all targets, so that ten thousand creators in one transaction do not fill the lock table
	RETURN pg_try_advisory_xact_lock('trackagoat.scrape_request'::regclass::oid::integer,
		coalesce(trackagoat.handle_hash(tiktok_handle), hashint8(tiktok_video_id)) & 63);
END
$$;
COMMENT ON FUNCTION trackagoat.lock_scrape_target(trackagoat.handle, bigint) IS
	'whether this transaction may make or change the job of an account or video: false while another one, still open, may have';

CREATE FUNCTION trackagoat.queue_scrape(
	kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	due_at timestamptz, next_at timestamptz DEFAULT NULL, priority integer DEFAULT 0,
	renew boolean DEFAULT false) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job_id uuid;
BEGIN
	-- jobs are everybody's: nobody waits for the end of another's transaction
	IF NOT trackagoat.lock_scrape_target(tiktok_handle, tiktok_video_id) THEN
		INSERT INTO trackagoat.scrape_request (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority, renew)
		VALUES (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority, renew);
		RETURN CASE WHEN tiktok_handle IS NULL
			THEN (SELECT j.id FROM trackagoat.scrape_job j WHERE j.kind = queue_scrape.kind
				AND j.tiktok_handle IS NULL AND j.tiktok_video_id = queue_scrape.tiktok_video_id)
			ELSE (SELECT j.id FROM trackagoat.scrape_job j WHERE j.kind = queue_scrape.kind
				AND j.tiktok_handle = queue_scrape.tiktok_handle) END;
	END IF;

	INSERT INTO trackagoat.scrape_job AS j (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority)
	VALUES (kind, tiktok_handle, tiktok_video_id, due_at, next_at, priority)
	ON CONFLICT ON CONSTRAINT scrape_job_target_key DO UPDATE SET
		-- a request that comes while the job is in flight is for after that
		due_at = CASE WHEN excluded.due_at IS NULL OR j.leased_until IS NULL
			THEN least(j.due_at, excluded.due_at) ELSE greatest(excluded.due_at, clock_timestamp()) END,
		next_at = least(j.next_at, excluded.next_at),
		priority = greatest(j.priority, excluded.priority),
		sec_uid = CASE WHEN NOT renew THEN j.sec_uid END
	RETURNING j.id INTO job_id;
	RETURN job_id;
END
$$;
COMMENT ON FUNCTION trackagoat.queue_scrape(
	trackagoat.scrape_kind, trackagoat.handle, bigint, timestamptz, timestamptz, integer, boolean) IS
	'make the standing job of an account or video, or bring it forward; renew has a list wait for a fresh profile; answers the job''s id';

CREATE FUNCTION trackagoat.fold_scrape_requests() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	request record;
	folded integer := 0;
BEGIN
	FOR request IN SELECT r.* FROM trackagoat.scrape_request r ORDER BY r.id FOR UPDATE SKIP LOCKED LOOP
		CONTINUE WHEN NOT trackagoat.lock_scrape_target(request.tiktok_handle, request.tiktok_video_id);
		DELETE FROM trackagoat.scrape_request r WHERE r.id = request.id;
		PERFORM trackagoat.queue_scrape(request.kind, request.tiktok_handle, request.tiktok_video_id,
			request.due_at, request.next_at, request.priority, request.renew);
		folded := folded + 1;
		EXIT WHEN folded = 1000;
	END LOOP;
	RETURN folded;
END
$$;
COMMENT ON FUNCTION trackagoat.fold_scrape_requests() IS
	'turn requests into jobs, as far as nobody holds the jobs; answers how many';

CREATE FUNCTION trackagoat.happens_now(created_at timestamptz) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN created_at > now() - interval '1 hour';
COMMENT ON FUNCTION trackagoat.happens_now(timestamptz) IS
	'whether a row is made now, rather than loaded from a backup or an import that brings its older created_at';

CREATE FUNCTION trackagoat.creator_scrape() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	due timestamptz;
BEGIN
	IF TG_OP = 'UPDATE' AND OLD.listing_wanted_at = NEW.listing_wanted_at THEN
		RETURN NULL;
	END IF;
	IF TG_OP = 'UPDATE' OR trackagoat.happens_now(NEW.created_at) THEN
		due := now();
	END IF;
	PERFORM trackagoat.queue_scrape('creator_profile', NEW.tiktok_handle, NULL, due, now(), 1);
	-- the list waits for the profile, which tells whose it is
	PERFORM trackagoat.queue_scrape('discover_videos', NEW.tiktok_handle, NULL, due, now(), 1, true);
	-- while it was not active, the jobs of its videos may have been deleted
	IF TG_OP = 'UPDATE' AND NOT OLD.is_active THEN
		PERFORM trackagoat.queue_scrape('video_stats', NULL, v.tiktok_video_id, NULL, now())
		FROM (SELECT w.tiktok_video_id FROM trackagoat.video w
			WHERE w.creator_id = NEW.id AND w.org_id = NEW.org_id
				AND trackagoat.video_is_fetched(w.tracking_status, w.tracking_disabled_at, w.refresh_stopped_at)
			ORDER BY w.tiktok_video_id) v;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.creator_scrape() IS
	'trigger: queues profile and discovery of a creator that is new, renamed, active again or wants older videos';

CREATE FUNCTION trackagoat.video_scrape() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF TG_OP = 'UPDATE' AND trackagoat.video_is_fetched(
		OLD.tracking_status, OLD.tracking_disabled_at, OLD.refresh_stopped_at)
	THEN
		RETURN NULL;
	END IF;
	IF TG_OP = 'INSERT' AND NEW.tracking_status = 'direct_add' AND trackagoat.happens_now(NEW.created_at) THEN
		PERFORM trackagoat.queue_scrape('video_stats', NULL, NEW.tiktok_video_id, now(), now(), 1);
	ELSE
		PERFORM trackagoat.queue_scrape('video_stats', NULL, NEW.tiktok_video_id, NULL, now());
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION trackagoat.video_scrape() IS
	'trigger: queues a video that was added by URL; leaves one that discovery found, or that is fetched again, to the schedule';

CREATE FUNCTION trackagoat.scrape_creator(creator_id uuid) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	target trackagoat.handle;
BEGIN
	SELECT c.tiktok_handle INTO target FROM trackagoat.creator c WHERE c.id = scrape_creator.creator_id;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('creator', creator_id);
	END IF;
	PERFORM trackagoat.queue_scrape('discover_videos', target, NULL, now(), NULL, 1);
	RETURN trackagoat.queue_scrape('creator_profile', target, NULL, now(), NULL, 1);
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_creator(uuid) IS
	'fetch a creator''s profile and new videos now, ahead of the schedule; answers the profile''s job; PT404 creator_not_found';

CREATE FUNCTION trackagoat.scrape_video(video_id uuid) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	target bigint;
BEGIN
	SELECT v.tiktok_video_id INTO target FROM trackagoat.video v WHERE v.id = scrape_video.video_id;
	IF NOT FOUND THEN
		PERFORM trackagoat.entity_missing('video', video_id);
	END IF;
	RETURN trackagoat.queue_scrape('video_stats', NULL, target, now(), NULL, 1);
END
$$;
COMMENT ON FUNCTION trackagoat.scrape_video(uuid) IS
	'fetch a video''s counters now, ahead of the schedule; answers the job; PT404 video_not_found';

CREATE FUNCTION trackagoat.attempt_retention() RETURNS interval
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.attempt_retention() IS 'the setting trackagoat.attempt_retention';

CREATE FUNCTION trackagoat.check_owner(what text) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	PERFORM FROM pg_class c
	WHERE c.oid = to_regclass('trackagoat.scrape_job') AND c.relowner = current_user::regrole;
	IF NOT FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('only the owner of the tables may %s', what),
			DETAIL = 'Anybody else, a superuser too, would run the owner''s triggers with rights that the owner does not have.',
			HINT = 'SET ROLE to the owner of trackagoat.scrape_job.';
	END IF;
END
$$;
COMMENT ON FUNCTION trackagoat.check_owner(text) IS 'raises insufficient_privilege unless the caller is the owner of the tables itself';

CREATE FUNCTION trackagoat.enqueue_due(at timestamptz DEFAULT now()) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	queued integer;
BEGIN
	PERFORM trackagoat.check_owner('queue what is due');
	PERFORM trackagoat.fold_scrape_requests();
	-- a time ahead queues what will be due then, to be fetched now
	UPDATE trackagoat.scrape_job j SET due_at = least(enqueue_due.at, now()), priority = 0
	FROM (SELECT d.id FROM trackagoat.scrape_job d
		WHERE d.due_at IS NULL AND d.next_at <= enqueue_due.at
		FOR UPDATE SKIP LOCKED) due
	WHERE j.id = due.id;
	GET DIAGNOSTICS queued = ROW_COUNT;

	-- a bounded piece of what retention removes
	DELETE FROM trackagoat.scrape_attempt a
	WHERE a.id IN (SELECT o.id FROM trackagoat.scrape_attempt o
		WHERE o.started_at < enqueue_due.at
			- trackagoat.attempt_retention()
		ORDER BY o.started_at LIMIT 10000);
	RETURN queued;
END
$$;
COMMENT ON FUNCTION trackagoat.enqueue_due(timestamptz) IS
	'queue every job whose time has come, and remove attempts past their retention; answers how many were queued; what pg_cron calls, as the owner of the tables';

CREATE FUNCTION trackagoat.claim_scrapes(max_jobs integer, lease interval)
	RETURNS TABLE (attempt_id bigint, kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle,
		tiktok_video_id bigint, sec_uid text, list_cursor bigint)
	LANGUAGE plpgsql VOLATILE ROWS 10 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	claimed integer := 0;
	deleted integer := 0;
BEGIN
	PERFORM trackagoat.fold_scrape_requests();
	WHILE claimed < max_jobs AND deleted < 1000 LOOP
		SELECT j.id, j.kind, j.tiktok_handle, j.tiktok_video_id, j.sec_uid, j.list_cursor, j.attempts INTO job
		FROM trackagoat.scrape_job j
		WHERE j.due_at <= clock_timestamp() AND j.leased_until IS NULL
			AND (j.kind <> 'discover_videos' OR j.sec_uid IS NOT NULL)
		ORDER BY j.priority DESC, j.due_at LIMIT 1
		FOR UPDATE SKIP LOCKED;
		EXIT WHEN NOT FOUND;

		PERFORM FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id);
		IF NOT FOUND THEN
			-- with a profile goes the list that waits for it
			DELETE FROM trackagoat.scrape_job j WHERE j.id = job.id
				OR (job.kind = 'creator_profile' AND j.kind = 'discover_videos'
					AND j.tiktok_handle = job.tiktok_handle AND j.leased_until IS NULL);
			deleted := deleted + 1;
			CONTINUE;
		END IF;

		UPDATE trackagoat.scrape_job j SET attempts = j.attempts + 1, leased_at = clock_timestamp(),
			leased_until = clock_timestamp() + lease, leased_by = pg_backend_pid()
		WHERE j.id = job.id;
		INSERT INTO trackagoat.scrape_attempt
			(job_id, kind, tiktok_handle, tiktok_video_id, attempt, worker_pid, started_at)
		VALUES (job.id, job.kind, job.tiktok_handle, job.tiktok_video_id, job.attempts + 1,
			pg_backend_pid(), clock_timestamp())
		RETURNING id INTO attempt_id;
		claimed := claimed + 1;

		kind := job.kind;
		tiktok_handle := job.tiktok_handle;
		tiktok_video_id := job.tiktok_video_id;
		sec_uid := job.sec_uid;
		list_cursor := job.list_cursor;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION trackagoat.claim_scrapes(integer, interval) IS
	'lease due jobs to the calling worker and count the attempt; jobs that nobody wants any more are deleted';

CREATE FUNCTION trackagoat.next_scrape_due() RETURNS timestamptz
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT min(f.due_at) FROM (VALUES (0), (1)) p (priority)
		CROSS JOIN LATERAL (SELECT j.due_at FROM trackagoat.scrape_job j
			WHERE j.priority = p.priority AND j.due_at IS NOT NULL AND j.leased_until IS NULL
				AND (j.kind <> 'discover_videos' OR j.sec_uid IS NOT NULL)
			ORDER BY j.due_at LIMIT 1) f);
END
$$;
COMMENT ON FUNCTION trackagoat.next_scrape_due() IS
	'when the next queued job that can be claimed becomes due; NULL for never';

-- What a page says goes into the tables, one organization at a time.

CREATE FUNCTION trackagoat.store_scrape(
	org_id uuid, kind trackagoat.scrape_kind, tiktok_handle trackagoat.handle, tiktok_video_id bigint,
	fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	IF kind = 'creator_profile' THEN
		RETURN trackagoat.store_profile(org_id, tiktok_handle, fetched_at, page);
	END IF;
	IF kind = 'discover_videos' THEN
		-- an empty list is anybody's
		PERFORM FROM trackagoat.creator c
		WHERE c.org_id = store_scrape.org_id AND c.tiktok_handle = store_scrape.tiktok_handle
			AND c.removed_at IS NULL AND c.is_active
			AND c.tiktok_account_id = coalesce((page #>> '{account,id}')::bigint, c.tiktok_account_id);
		IF NOT FOUND THEN
			RETURN 'account_changed';
		END IF;
		PERFORM trackagoat.store_new_videos(org_id, tiktok_handle, page);
	END IF;
	PERFORM trackagoat.store_videos(org_id, fetched_at, page);
	RETURN 'ok';
END
$$;
COMMENT ON FUNCTION trackagoat.store_scrape(uuid, trackagoat.scrape_kind, trackagoat.handle, bigint, timestamptz, jsonb) IS
	'store what a page says for one organization; answers the outcome: ok or account_changed';

CREATE FUNCTION trackagoat.store_profile(
	org_id uuid, tiktok_handle trackagoat.handle, fetched_at timestamptz, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	account jsonb := page -> 'account';
	ids uuid[];
	n integer;
BEGIN
	UPDATE trackagoat.creator c SET
		tiktok_account_id = coalesce((account ->> 'id')::bigint, c.tiktok_account_id),
		tiktok_sec_uid = coalesce(account ->> 'sec_uid', c.tiktok_sec_uid),
		display_name = coalesce(account ->> 'display_name', c.display_name),
		bio = coalesce(account ->> 'bio', c.bio),
		avatar_url = coalesce(account ->> 'avatar_url', c.avatar_url),
		is_verified = coalesce((account ->> 'verified')::boolean, c.is_verified),
		is_private = coalesce((account ->> 'private')::boolean, c.is_private),
		last_scraped_at = greatest(c.last_scraped_at, fetched_at)
	FROM (SELECT k.id FROM trackagoat.creator k
		WHERE k.org_id = store_profile.org_id AND k.tiktok_handle = store_profile.tiktok_handle
			AND k.removed_at IS NULL AND k.is_active
		ORDER BY k.id FOR NO KEY UPDATE) tracked
	WHERE c.id = tracked.id AND c.org_id = store_profile.org_id
		AND coalesce(c.tiktok_account_id = (account ->> 'id')::bigint, true);

	SELECT array_agg(c.id) INTO ids FROM trackagoat.creator c
	WHERE c.org_id = store_profile.org_id AND c.tiktok_handle = store_profile.tiktok_handle
		AND c.removed_at IS NULL AND c.is_active AND coalesce(c.tiktok_account_id = (account ->> 'id')::bigint, true);
	IF ids IS NULL THEN
		RETURN 'account_changed';
	END IF;

	n := cardinality(ids);
	PERFORM trackagoat.observe_creators(ids, array_fill(fetched_at, ARRAY[n]),
		array_fill((account ->> 'follower_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'following_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'total_likes_count')::bigint, ARRAY[n]),
		array_fill((account ->> 'video_count')::bigint, ARRAY[n]),
		page ->> 'source', (page ->> 'exact')::boolean, org_id);
	RETURN 'ok';
END
$$;
COMMENT ON FUNCTION trackagoat.store_profile(uuid, trackagoat.handle, timestamptz, jsonb) IS
	'store a profile in every creator of the organization that has the handle and the same account id';

CREATE FUNCTION trackagoat.page_videos(page jsonb)
	RETURNS TABLE (tiktok_video_id bigint, tiktok_handle trackagoat.handle, title text, posted_at timestamptz,
		kind text, view_count bigint, like_count bigint, comment_count bigint, share_count bigint,
		save_count bigint, duration integer, thumbnail_url text, is_ad boolean, hashtags text[])
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 15 SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT DISTINCT ON (v.tiktok_video_id) v.tiktok_video_id, v.tiktok_handle, v.title, v.posted_at, v.kind,
		v.view_count, v.like_count, v.comment_count, v.share_count, v.save_count,
		least(v.duration, 2147483647)::integer, v.thumbnail_url, v.is_ad,
		ARRAY(SELECT jsonb_array_elements_text(v.hashtags))
	FROM jsonb_to_recordset(page -> 'videos') v (tiktok_video_id bigint, tiktok_handle trackagoat.handle,
		title text, posted_at timestamptz, kind text, view_count bigint, like_count bigint,
		comment_count bigint, share_count bigint, save_count bigint, duration bigint,
		thumbnail_url text, is_ad boolean, hashtags jsonb)
	ORDER BY v.tiktok_video_id
$$;
COMMENT ON FUNCTION trackagoat.page_videos(jsonb) IS 'the videos of a page as read_page() answers them, each once, as rows';

CREATE FUNCTION trackagoat.store_new_videos(
	org_id uuid, tiktok_handle trackagoat.handle, page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	stored integer;
BEGIN
	INSERT INTO trackagoat.video (org_id, project_id, creator_id, tiktok_video_id, tiktok_handle,
		tracking_status, kind, title, posted_at, duration, thumbnail_url, hashtags, is_ad)
	SELECT c.org_id, c.project_id, c.id, v.tiktok_video_id, v.tiktok_handle,
		CASE c.tracking_mode WHEN 'auto' THEN 'auto_tracked' ELSE 'pending_review' END::trackagoat.tracking_status,
		v.kind, v.title, coalesce(v.posted_at, trackagoat.video_id_time(v.tiktok_video_id)),
		v.duration, v.thumbnail_url, v.hashtags, v.is_ad
	FROM trackagoat.page_videos(page) v
	CROSS JOIN trackagoat.creator c
	JOIN trackagoat.organization o ON o.id = c.org_id
	WHERE c.org_id = store_new_videos.org_id AND c.tiktok_handle = store_new_videos.tiktok_handle
		AND c.removed_at IS NULL AND c.is_active
		AND c.tiktok_account_id = coalesce((page #>> '{account,id}')::bigint, c.tiktok_account_id)
		AND (coalesce(v.posted_at, trackagoat.video_id_time(v.tiktok_video_id)) AT TIME ZONE o.timezone)::date >= c.tracking_start_date
	ORDER BY c.id, v.posted_at
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS stored = ROW_COUNT;
	RETURN stored;
END
$$;
COMMENT ON FUNCTION trackagoat.store_new_videos(uuid, trackagoat.handle, jsonb) IS
	'bring in what a creator has posted since its tracking start; the tracking mode decides the status; answers how many were new';

CREATE FUNCTION trackagoat.store_videos(org_id uuid, fetched_at timestamptz, page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	seen record;
BEGIN
	SELECT array_agg(t.id) AS ids, array_agg(fetched_at) AS times,
		array_agg(p.view_count) AS views, array_agg(p.like_count) AS likes,
		array_agg(p.comment_count) AS comments, array_agg(p.share_count) AS shares,
		array_agg(p.save_count) AS saves
	INTO seen
	FROM trackagoat.page_videos(page) p
	JOIN (SELECT v.id, v.tiktok_video_id FROM trackagoat.video v
		WHERE v.org_id = store_videos.org_id
			AND v.tiktok_video_id IN (SELECT tiktok_video_id FROM trackagoat.page_videos(page))
		ORDER BY v.id FOR NO KEY UPDATE) t ON t.tiktok_video_id = p.tiktok_video_id;
	IF seen.ids IS NULL THEN
		RETURN 0;
	END IF;

	UPDATE trackagoat.video v SET
		tiktok_handle = coalesce(p.tiktok_handle, v.tiktok_handle),
		kind = p.kind,
		title = coalesce(p.title, v.title),
		posted_at = coalesce(p.posted_at, v.posted_at, trackagoat.video_id_time(v.tiktok_video_id)),
		duration = coalesce(p.duration, v.duration),
		thumbnail_url = coalesce(p.thumbnail_url, v.thumbnail_url),
		hashtags = coalesce(nullif(p.hashtags, '{}'), v.hashtags),
		is_ad = coalesce(p.is_ad, v.is_ad),
		creator_id = coalesce(v.creator_id, (SELECT c.id FROM trackagoat.creator c
			WHERE c.project_id = v.project_id AND c.org_id = v.org_id
				AND c.tiktok_handle = p.tiktok_handle AND c.removed_at IS NULL))
	FROM trackagoat.page_videos(page) p
	WHERE v.org_id = store_videos.org_id AND v.id = ANY (seen.ids) AND v.tiktok_video_id = p.tiktok_video_id;

	RETURN trackagoat.observe_videos(seen.ids, seen.times, seen.views, seen.likes, seen.comments,
		seen.shares, seen.saves, page ->> 'source', (page ->> 'exact')::boolean, org_id);
END
$$;
COMMENT ON FUNCTION trackagoat.store_videos(uuid, timestamptz, jsonb) IS
	'store what a page says of the organization''s videos; answers how many points were stored';

-- What an attempt came to, and what follows from it.

CREATE FUNCTION trackagoat.advance_listing(job_id uuid, every interval, page jsonb, is_partly_stored boolean) RETURNS text
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	stop_at timestamptz;
	asked bigint;
	newest timestamptz;
	next_cursor bigint := (page #>> '{next,cursor}')::bigint;
	has_more boolean := (page #>> '{next,has_more}')::boolean;
	is_empty boolean;
	gives_up boolean;
	is_done boolean;
	is_behind boolean;
BEGIN
	SELECT j.* INTO job FROM trackagoat.scrape_job j WHERE j.id = job_id;
	job.list_started_at := coalesce(job.list_started_at, job.leased_at);
	asked := coalesce(job.list_cursor, trunc(extract(epoch FROM job.list_started_at) * 1000)::bigint);

	-- what follows must be older, but for the item that two pages share
	SELECT max((v.item ->> 'posted_at')::timestamptz) INTO newest
	FROM jsonb_array_elements(page -> 'videos') v (item)
	WHERE NOT coalesce((v.item ->> 'is_pinned')::boolean, false);
	IF job.list_cursor IS NOT NULL AND newest > to_timestamp(asked / 1000.0) + interval '1 second' THEN
		RETURN 'repeated_page';
	END IF;
	is_empty := next_cursor IS NULL OR (job.list_cursor IS NOT NULL AND next_cursor >= asked);

	-- a creator whom an earlier listing covers only wants what came since
	SELECT min(greatest(c.tracking_start_date::timestamp AT TIME ZONE o.timezone,
			CASE WHEN c.listing_wanted_at < job.listed_at THEN job.listed_at - interval '1 day' END)),
		coalesce(bool_or(c.listing_wanted_at >= job.list_started_at), false)
	INTO stop_at, is_behind
	FROM trackagoat.creator c JOIN trackagoat.organization o ON o.id = c.org_id
	WHERE c.tiktok_handle = job.tiktok_handle AND c.removed_at IS NULL AND c.is_active;

	-- an empty page is not the end: step back a week, but not for ever where nothing says that there is more
	gives_up := is_empty AND has_more IS NULL AND job.list_empty_pages >= 4;
	IF is_empty THEN
		next_cursor := asked - 604800000;
	END IF;
	is_done := gives_up OR has_more IS FALSE
		OR to_timestamp(next_cursor / 1000.0) < greatest(stop_at, '2016-09-01 00:00+00');

	UPDATE trackagoat.scrape_job j SET
		list_cursor = CASE WHEN NOT is_done THEN next_cursor END,
		list_started_at = CASE WHEN NOT is_done THEN job.list_started_at END,
		list_empty_pages = CASE WHEN is_empty AND NOT is_done THEN j.list_empty_pages + 1 ELSE 0 END,
		list_has_gaps = NOT is_done AND (j.list_has_gaps OR is_partly_stored),
		-- a listing that ended early, or that not everybody could store, covers nobody
		listed_at = CASE WHEN is_done AND NOT gives_up AND NOT j.list_has_gaps AND NOT is_partly_stored
			THEN job.list_started_at ELSE j.listed_at END,
		-- whoever came while it was under way has not seen its first pages
		due_at = CASE WHEN NOT is_done OR is_behind THEN clock_timestamp()
			WHEN j.due_at > j.leased_at THEN j.due_at END,
		next_at = CASE WHEN is_done THEN job.list_started_at + every ELSE j.next_at END
	WHERE j.id = job_id;
	RETURN CASE WHEN is_partly_stored THEN 'partly_stored' ELSE 'ok' END;
END
$$;
COMMENT ON FUNCTION trackagoat.advance_listing(uuid, interval, jsonb, boolean) IS
	'after a page of a creator''s videos: go on to the next page, or end the listing; answers the outcome: ok, partly_stored or repeated_page';

CREATE FUNCTION trackagoat.finish_scrape(
	attempt_id bigint, outcome text, http_status integer, body_bytes bigint, detail text,
	retry_after interval, page jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	job record;
	rule record;
	every interval;
	again timestamptz;
BEGIN
	SELECT j.* INTO job FROM trackagoat.scrape_job j
	WHERE j.id = (SELECT a.job_id FROM trackagoat.scrape_attempt a WHERE a.id = attempt_id AND a.finished_at IS NULL)
	FOR NO KEY UPDATE;

	IF FOUND AND outcome IN ('ok', 'partly_stored') THEN
		-- if nobody wants it any more, it is soon claimed again and deleted
		SELECT coalesce(min(t.every), '0') INTO every
		FROM trackagoat.scrape_targets(job.kind, job.tiktok_handle, job.tiktok_video_id) t;
		IF job.kind = 'discover_videos' THEN
			outcome := trackagoat.advance_listing(job.id, every, page, outcome = 'partly_stored');
		ELSE
			UPDATE trackagoat.scrape_job j SET next_at = clock_timestamp() + every,
				due_at = CASE WHEN j.due_at > j.leased_at THEN j.due_at END
			WHERE j.id = job.id;
		END IF;
		IF job.kind = 'creator_profile' THEN
			-- who has locked it wants it renewed, and the profile fetched once more
			UPDATE trackagoat.scrape_job j SET sec_uid = page #>> '{account,sec_uid}'
			WHERE j.id = (SELECT d.id FROM trackagoat.scrape_job d
				WHERE d.kind = 'discover_videos' AND d.tiktok_handle = job.tiktok_handle
					AND d.sec_uid IS DISTINCT FROM page #>> '{account,sec_uid}'
				FOR NO KEY UPDATE SKIP LOCKED)
				AND page #>> '{account,sec_uid}' IS NOT NULL;
		END IF;
	END IF;

	SELECT o.* INTO STRICT rule FROM trackagoat.scrape_outcome o WHERE o.outcome = finish_scrape.outcome;
	IF job.id IS NOT NULL AND rule.is_success THEN
		UPDATE trackagoat.scrape_job j SET attempts = 0, last_success_at = clock_timestamp(),
			priority = CASE WHEN j.due_at > j.leased_at AND j.list_cursor IS NULL THEN j.priority ELSE 0 END
		WHERE j.id = job.id;
		PERFORM trackagoat.postpone_videos(page);
	ELSIF job.id IS NOT NULL AND NOT (outcome = 'partly_stored' AND job.kind = 'discover_videos') THEN
		again := clock_timestamp() + greatest(retry_after,
			least(rule.retry_after * 2 ^ least(job.attempts - 1, 20), rule.retry_limit)) * (1 + random() / 5);
		-- a person's request that came meanwhile does not wait
		UPDATE trackagoat.scrape_job j SET due_at = CASE WHEN j.due_at > j.leased_at THEN j.due_at ELSE again END
		WHERE j.id = job.id
		RETURNING j.due_at INTO again;
	END IF;
	UPDATE trackagoat.scrape_job j SET last_outcome = outcome,
		leased_at = NULL, leased_until = NULL, leased_by = NULL
	WHERE j.id = job.id;
	UPDATE trackagoat.scrape_attempt a SET finished_at = clock_timestamp(), outcome = finish_scrape.outcome,
		http_status = finish_scrape.http_status, body_bytes = finish_scrape.body_bytes,
		detail = finish_scrape.detail, next_attempt_at = again,
		host_paused_until = clock_timestamp() + CASE WHEN rule.host_pause IS NOT NULL THEN greatest(rule.host_pause, retry_after) END
	WHERE a.id = attempt_id AND a.finished_at IS NULL;
	RETURN outcome;
END
$$;
COMMENT ON FUNCTION trackagoat.finish_scrape(bigint, text, integer, bigint, text, interval, jsonb) IS
	'end an attempt: note its outcome, release the job, say when it is due again and whether the host is to be left alone; answers the final outcome';

CREATE FUNCTION trackagoat.host_paused_until() RETURNS timestamptz
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT max(a.host_paused_until) FROM trackagoat.scrape_attempt a
		WHERE a.host_paused_until > clock_timestamp());
END
$$;
COMMENT ON FUNCTION trackagoat.host_paused_until() IS
	'until when the host is to be left alone, by what its answers have said; NULL when it may be asked';

CREATE FUNCTION trackagoat.postpone_videos(page jsonb) RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
#variable_conflict use_variable
DECLARE
	postponed integer;
BEGIN
	UPDATE trackagoat.scrape_job j SET next_at = clock_timestamp() + t.every
	FROM (SELECT k.id, (SELECT min(w.every) FROM trackagoat.scrape_targets(k.kind, NULL, k.tiktok_video_id) w) AS every
		FROM trackagoat.scrape_job k
		WHERE k.kind = 'video_stats' AND k.tiktok_handle IS NULL
			AND k.tiktok_video_id IN (SELECT v.tiktok_video_id FROM trackagoat.page_videos(page) v)
			AND k.due_at IS NULL
		ORDER BY k.id FOR NO KEY UPDATE SKIP LOCKED) t
	WHERE j.id = t.id AND t.every IS NOT NULL;
	GET DIAGNOSTICS postponed = ROW_COUNT;
	RETURN postponed;
END
$$;
COMMENT ON FUNCTION trackagoat.postpone_videos(jsonb) IS
	'a video whose counters came with a page need not be fetched by itself for another interval; answers how many';

CREATE FUNCTION trackagoat.release_scrapes() RETURNS integer
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	lost record;
	released integer := 0;
BEGIN
	FOR lost IN
		SELECT j.id, (SELECT max(a.id) FROM trackagoat.scrape_attempt a
			WHERE a.job_id = j.id AND a.finished_at IS NULL) AS attempt_id
		FROM trackagoat.scrape_job j
		WHERE j.leased_until IS NOT NULL AND (j.leased_until < clock_timestamp()
			OR NOT EXISTS (SELECT FROM pg_stat_get_activity(j.leased_by)))
		FOR NO KEY UPDATE OF j SKIP LOCKED
	LOOP
		PERFORM trackagoat.finish_scrape(lost.attempt_id, 'interrupted', NULL, NULL, NULL, NULL, NULL);
		-- even where the attempt's row is gone
		UPDATE trackagoat.scrape_job j SET leased_at = NULL, leased_until = NULL, leased_by = NULL
		WHERE j.id = lost.id AND j.leased_until IS NOT NULL;
		released := released + 1;
	END LOOP;
	RETURN released;
END
$$;
COMMENT ON FUNCTION trackagoat.release_scrapes() IS
	'give back the jobs of workers that are gone or over their lease; answers how many';

-- The worker as other sessions see it.  C: src/worker.

CREATE FUNCTION trackagoat.tables_are_ready() RETURNS boolean
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
BEGIN
	RETURN (SELECT max(v.version) FROM trackagoat.setup_version v) = trackagoat.tables_version()
		-- a restore makes these last, when all rows are there
		AND (SELECT count(*) FROM pg_constraint c
			WHERE c.connamespace = 'trackagoat'::regnamespace AND c.contype = 'f'
				AND c.conname IN ('scrape_attempt_job_fkey', 'scrape_job_last_outcome_fkey', 'creator_history_creator_fkey',
					'video_history_video_fkey', 'video_creator_fkey', 'video_project_fkey')) = 6
		AND (SELECT count(*) FROM pg_trigger t
			WHERE t.tgrelid IN ('trackagoat.creator'::regclass, 'trackagoat.video'::regclass, 'trackagoat.scrape_job'::regclass)
				AND t.tgname IN ('creator_scrape', 'video_scrape', 'scrape_job_wake')) = 3
		-- the worker acts as their owner: another's triggers would run with rights that are not his
		AND (SELECT count(DISTINCT c.relowner) FROM pg_class c
			WHERE c.relnamespace = 'trackagoat'::regnamespace
				AND c.relname IN ('setup_version', 'organization', 'creator', 'creator_history', 'video',
					'video_history', 'scrape_outcome', 'scrape_job', 'scrape_request', 'scrape_attempt')) = 1;
END
$$;
COMMENT ON FUNCTION trackagoat.tables_are_ready() IS
	'whether the tables are of the library''s version, of one owner, and complete, as they are not while a dump is being restored';

CREATE PROCEDURE trackagoat.run_scrapes(max_jobs integer DEFAULT 100)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON PROCEDURE trackagoat.run_scrapes(integer) IS
	'fetch and store up to so many due jobs in this session, as the worker would; commits as it goes; only as the owner of the tables';

CREATE FUNCTION trackagoat.worker_status()
	RETURNS TABLE (database name, pid integer, state text, started_at timestamptz, active_at timestamptz,
		in_flight integer, requests bigint, failures bigint, paused_until timestamptz)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT ROWS 1;
COMMENT ON FUNCTION trackagoat.worker_status() IS
	'the workers of this server, a row for each database of trackagoat.database; none where the library is not preloaded';

CREATE FUNCTION trackagoat.worker_problem() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION trackagoat.worker_problem() IS
	'why no worker serves this database, in a sentence; NULL when one may';

CREATE FUNCTION trackagoat.is_public_address(inet) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.is_public_address(inet) IS
	'whether the worker would connect to the address; loopback, private, link-local and other special addresses are refused';

-- pg_cron: the clock that queues what is due.

CREATE FUNCTION trackagoat.cron_command(call text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
	SELECT CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron')
		THEN format('SELECT cron.%s', call) END
$$;
COMMENT ON FUNCTION trackagoat.cron_command(text) IS 'a call of pg_cron, or NULL where this database has no pg_cron';

CREATE FUNCTION trackagoat.schedule_scrapes() RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	command text := trackagoat.cron_command(format('schedule(%L, %L, %L)',
		'trackagoat ' || current_database(), '* * * * *', 'SELECT trackagoat.enqueue_due()'));
	job_id bigint;
BEGIN
	PERFORM trackagoat.check_owner('schedule scrapes');
	PERFORM FROM pg_roles r WHERE r.rolname = current_user AND r.rolcanlogin;
	IF NOT FOUND THEN
		RAISE NOTICE 'role "%" cannot log in, so pg_cron cannot run its jobs', current_user
			USING HINT = format('ALTER ROLE %I LOGIN;', current_user);
	END IF;
	IF command IS NULL THEN
		RAISE SQLSTATE 'PT409' USING
			MESSAGE = 'pg_cron_missing',
			DETAIL = format('Database "%s" has no extension pg_cron.', current_database()),
			HINT = format('CREATE EXTENSION pg_cron, or as a superuser in the database that has it: SELECT cron.schedule_in_database(%L, %L, %L, %L, %L);',
				'trackagoat ' || current_database(), '* * * * *', 'SELECT trackagoat.enqueue_due()', current_database(), current_user);
	END IF;
	EXECUTE command INTO job_id;
	RETURN job_id;
END
$$;
COMMENT ON FUNCTION trackagoat.schedule_scrapes() IS
	'let pg_cron call enqueue_due() every minute; answers pg_cron''s job id; again changes nothing; PT409 pg_cron_missing';

CREATE FUNCTION trackagoat.unschedule_scrapes() RETURNS boolean
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, trackagoat, pg_temp AS
$$
DECLARE
	scheduled boolean := false;
BEGIN
	IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
		EXECUTE 'SELECT count(cron.unschedule(jobid)) > 0 FROM cron.job WHERE jobname = $1'
			INTO scheduled USING 'trackagoat ' || current_database();
	END IF;
	RETURN scheduled;
END
$$;
COMMENT ON FUNCTION trackagoat.unschedule_scrapes() IS 'take the job out of pg_cron; answers whether it was there';

-- setup(): the tables, as ordinary objects of the calling role.

CREATE FUNCTION trackagoat.tables_version() RETURNS integer
	AS 'MODULE_PATHNAME', 'trackagoat_tables_version' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION trackagoat.tables_version() IS 'version of the tables that this library works with';

CREATE PROCEDURE trackagoat.setup()
	LANGUAGE plpgsql SET search_path = pg_catalog, trackagoat, pg_temp AS
$setup$
DECLARE
	wanted integer := trackagoat.tables_version();
	present integer;
BEGIN
	IF current_setting('server_encoding') <> 'UTF8' THEN
		RAISE feature_not_supported USING
			MESSAGE = 'trackagoat needs a database with encoding UTF8',
			HINT = 'CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0;';
	END IF;

	-- one setup at a time
	PERFORM pg_advisory_xact_lock(hashtextextended('trackagoat.setup', 0));
	IF to_regclass('trackagoat.setup_version') IS NOT NULL THEN
		SELECT max(v.version) INTO present FROM trackagoat.setup_version v;
	END IF;

	IF present > wanted THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the tables are of version %s, this trackagoat works with version %s', present, wanted),
			HINT = 'Install the newer trackagoat and ALTER EXTENSION trackagoat UPDATE.';
	ELSIF present IS NOT NULL AND to_regclass('trackagoat.scrape_queue') IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables are what DROP EXTENSION trackagoat CASCADE has left of them',
			HINT = 'Restore them from a dump, or DROP SCHEMA trackagoat CASCADE and begin anew with CREATE EXTENSION.';
	ELSIF present IS NULL AND to_regclass('trackagoat.organization') IS NOT NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the tables are there, but the rows of trackagoat.setup_version are not',
			HINT = 'Restore the rows of setup_version and scrape_outcome as well, or DROP SCHEMA trackagoat CASCADE and begin anew with CREATE EXTENSION.';
	ELSIF present IS NULL THEN
		EXECUTE $tables$
-- Which version of these tables is here; setup() writes it, the worker reads it.

CREATE TABLE trackagoat.setup_version (
	version integer NOT NULL,
	set_up_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT setup_version_pkey PRIMARY KEY (version)
);
COMMENT ON TABLE trackagoat.setup_version IS 'versions of the tables that setup() has brought here; the highest is in force';
COMMENT ON COLUMN trackagoat.setup_version.version IS 'version of the tables';
COMMENT ON COLUMN trackagoat.setup_version.set_up_at IS 'when setup() brought it';

ALTER TABLE trackagoat.setup_version ENABLE ROW LEVEL SECURITY;
-- Organizations and their projects: the roots of every key below.

CREATE TABLE trackagoat.organization (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	name text NOT NULL,
	timezone text NOT NULL DEFAULT 'UTC',
	plan text,
	creator_profile_interval interval NOT NULL DEFAULT '1 day',
	discover_videos_interval interval NOT NULL DEFAULT '6 hours',
	video_stats_interval interval NOT NULL DEFAULT '1 day',
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT organization_pkey PRIMARY KEY (id),
	CONSTRAINT organization_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT organization_timezone_check CHECK (trackagoat.is_timezone(timezone)),
	CONSTRAINT organization_creator_profile_interval_check CHECK (creator_profile_interval BETWEEN '1 minute' AND '1 year'),
	CONSTRAINT organization_discover_videos_interval_check CHECK (discover_videos_interval BETWEEN '1 minute' AND '1 year'),
	CONSTRAINT organization_video_stats_interval_check CHECK (video_stats_interval BETWEEN '1 minute' AND '1 year')
);
COMMENT ON TABLE trackagoat.organization IS 'root of a workspace: owns projects and all that is in them';
COMMENT ON COLUMN trackagoat.organization.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.organization.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.organization.timezone IS 'IANA time zone that decides where a day begins';
COMMENT ON COLUMN trackagoat.organization.plan IS 'plan whose limits hold; NULL means unlimited';
COMMENT ON COLUMN trackagoat.organization.creator_profile_interval IS 'how often profiles are fetched';
COMMENT ON COLUMN trackagoat.organization.discover_videos_interval IS 'how often new videos are looked for';
COMMENT ON COLUMN trackagoat.organization.video_stats_interval IS 'how often the counters of a video are fetched';
COMMENT ON COLUMN trackagoat.organization.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.organization.updated_at IS 'when a person last changed the row';

CREATE TRIGGER organization_touch BEFORE UPDATE ON trackagoat.organization
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER organization_touch ON trackagoat.organization IS 'moves updated_at';

CREATE TABLE trackagoat.project (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	name text NOT NULL,
	description text,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT project_pkey PRIMARY KEY (id, org_id),
	CONSTRAINT project_organization_fkey FOREIGN KEY (org_id)
		REFERENCES trackagoat.organization (id) ON DELETE CASCADE,
	CONSTRAINT project_name_check CHECK (char_length(name) BETWEEN 1 AND 200)
);
COMMENT ON TABLE trackagoat.project IS 'groups creators, videos and campaigns of one program';
COMMENT ON COLUMN trackagoat.project.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.project.org_id IS 'organization that owns the project';
COMMENT ON COLUMN trackagoat.project.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.project.description IS 'what the program is about, for people and agents';
COMMENT ON COLUMN trackagoat.project.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.project.updated_at IS 'when a person last changed the row';

CREATE INDEX project_organization_idx ON trackagoat.project (org_id);
COMMENT ON INDEX trackagoat.project_organization_idx IS 'projects of an organization';

CREATE TRIGGER project_touch BEFORE UPDATE ON trackagoat.project
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER project_touch ON trackagoat.project IS 'moves updated_at';

ALTER TABLE trackagoat.organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.project ENABLE ROW LEVEL SECURITY;
-- Creators: a TikTok account within one project, and what was observed of it.

CREATE TABLE trackagoat.creator (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	tiktok_handle trackagoat.handle NOT NULL,
	tiktok_account_id bigint,
	tiktok_sec_uid text,
	display_name text,
	bio text,
	avatar_url text,
	is_verified boolean,
	is_private boolean,
	follower_count bigint,
	following_count bigint,
	total_likes_count bigint,
	video_count bigint,
	last_observed_at timestamptz,
	last_scraped_at timestamptz,
	baseline_at timestamptz NOT NULL DEFAULT '-infinity',
	listing_wanted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	tracking_mode trackagoat.tracking_mode NOT NULL DEFAULT 'auto',
	tracking_start_date date NOT NULL,
	disabled_at timestamptz,
	disabled_reason text,
	removed_at timestamptz,
	is_active boolean NOT NULL GENERATED ALWAYS AS (disabled_at IS NULL AND removed_at IS NULL) STORED,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT creator_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to
	CONSTRAINT creator_project_key UNIQUE (id, project_id, org_id),
	CONSTRAINT creator_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	-- it goes into a URL
	CONSTRAINT creator_tiktok_sec_uid_check CHECK (tiktok_sec_uid ~ '^[A-Za-z0-9_-]{1,128}$'),
	CONSTRAINT creator_tracking_start_date_check CHECK (tracking_start_date BETWEEN '1970-01-01' AND '9999-12-31'),
	CONSTRAINT creator_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT creator_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT creator_counts_check CHECK (least(follower_count, following_count, total_likes_count, video_count) >= 0)
) WITH (fillfactor = 80);
COMMENT ON TABLE trackagoat.creator IS 'TikTok account tracked within one project';
COMMENT ON COLUMN trackagoat.creator.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.creator.org_id IS 'organization; taken from the project when left out';
COMMENT ON COLUMN trackagoat.creator.project_id IS 'project that tracks the account';
COMMENT ON COLUMN trackagoat.creator.tiktok_handle IS 'handle without "@"; unique in the project among creators that are not removed';
COMMENT ON COLUMN trackagoat.creator.tiktok_account_id IS 'TikTok''s id of the account, from the first profile fetched';
COMMENT ON COLUMN trackagoat.creator.tiktok_sec_uid IS 'TikTok''s secUid of the account; never changes, lists of videos are asked for by it';
COMMENT ON COLUMN trackagoat.creator.display_name IS 'name that the profile shows';
COMMENT ON COLUMN trackagoat.creator.bio IS 'text that the profile shows';
COMMENT ON COLUMN trackagoat.creator.avatar_url IS 'picture of the profile; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.creator.is_verified IS 'whether TikTok shows the account as verified';
COMMENT ON COLUMN trackagoat.creator.is_private IS 'whether the account is private';
COMMENT ON COLUMN trackagoat.creator.follower_count IS 'followers, last known';
COMMENT ON COLUMN trackagoat.creator.following_count IS 'accounts followed, last known';
COMMENT ON COLUMN trackagoat.creator.total_likes_count IS 'likes over all videos, last known';
COMMENT ON COLUMN trackagoat.creator.video_count IS 'videos of the account on TikTok, last known';
COMMENT ON COLUMN trackagoat.creator.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.creator.last_scraped_at IS 'when the profile was last fetched and read';
COMMENT ON COLUMN trackagoat.creator.baseline_at IS 'since when the handle is this one: observations before it may be of another account';
COMMENT ON COLUMN trackagoat.creator.listing_wanted_at IS 'a listing of videos that began after this covers the creator back to its tracking start';
COMMENT ON COLUMN trackagoat.creator.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.creator.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.creator.tracking_mode IS 'how new videos enter';
COMMENT ON COLUMN trackagoat.creator.tracking_start_date IS 'videos posted before this day are not brought in; today in the organization''s time zone when left out';
COMMENT ON COLUMN trackagoat.creator.disabled_at IS 'since when nothing is fetched; totals stay';
COMMENT ON COLUMN trackagoat.creator.disabled_reason IS 'why nothing is fetched';
COMMENT ON COLUMN trackagoat.creator.removed_at IS 'since when the creator is out of the program and of the totals; clear it to undo';
COMMENT ON COLUMN trackagoat.creator.is_active IS 'neither disabled nor removed';
COMMENT ON COLUMN trackagoat.creator.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.creator.updated_at IS 'when a person last changed the row; a scrape does not move it';

CREATE UNIQUE INDEX creator_handle_key ON trackagoat.creator (project_id, tiktok_handle, org_id)
	WHERE removed_at IS NULL;
COMMENT ON INDEX trackagoat.creator_handle_key IS 'a handle once per project; creators of a project by handle';
CREATE INDEX creator_handle_idx ON trackagoat.creator (tiktok_handle) WHERE removed_at IS NULL;
COMMENT ON INDEX trackagoat.creator_handle_idx IS 'all projects that track an account';
CREATE INDEX creator_organization_idx ON trackagoat.creator (org_id);
COMMENT ON INDEX trackagoat.creator_organization_idx IS 'creators of an organization';

CREATE TRIGGER creator_fill BEFORE INSERT ON trackagoat.creator
	FOR EACH ROW EXECUTE FUNCTION trackagoat.creator_fill();
COMMENT ON TRIGGER creator_fill ON trackagoat.creator IS 'fills org_id and tracking_start_date';
CREATE TRIGGER creator_rename BEFORE UPDATE OF tiktok_handle ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle <> NEW.tiktok_handle)
	EXECUTE FUNCTION trackagoat.creator_rename();
COMMENT ON TRIGGER creator_rename ON trackagoat.creator IS 'forgets what the old handle''s profile showed';
CREATE TRIGGER creator_relist BEFORE UPDATE OF tiktok_handle, tracking_start_date, disabled_at, removed_at
	ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.disabled_at IS NULL AND NEW.removed_at IS NULL
		AND (OLD.disabled_at IS NOT NULL OR OLD.removed_at IS NOT NULL
			OR NEW.tiktok_handle <> OLD.tiktok_handle OR NEW.tracking_start_date < OLD.tracking_start_date))
	EXECUTE FUNCTION trackagoat.creator_relist();
COMMENT ON TRIGGER creator_relist ON trackagoat.creator IS 'wants videos listed back to the tracking start again';
CREATE TRIGGER creator_scrape AFTER INSERT OR UPDATE OF tiktok_handle, tracking_start_date, disabled_at, removed_at
	ON trackagoat.creator
	FOR EACH ROW WHEN (NEW.disabled_at IS NULL AND NEW.removed_at IS NULL)
	EXECUTE FUNCTION trackagoat.creator_scrape();
COMMENT ON TRIGGER creator_scrape ON trackagoat.creator IS 'queues profile and discovery';
CREATE TRIGGER creator_touch BEFORE UPDATE OF
		tiktok_handle, readme, metadata, tracking_mode, tracking_start_date, disabled_at, removed_at ON trackagoat.creator
	FOR EACH ROW WHEN (OLD.tiktok_handle::text <> NEW.tiktok_handle::text
		OR OLD.readme IS DISTINCT FROM NEW.readme OR OLD.metadata <> NEW.metadata
		OR OLD.tracking_mode <> NEW.tracking_mode OR OLD.tracking_start_date <> NEW.tracking_start_date
		OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at OR OLD.removed_at IS DISTINCT FROM NEW.removed_at)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER creator_touch ON trackagoat.creator IS 'moves updated_at with what people change';

CREATE TABLE trackagoat.creator_history (
	creator_id uuid NOT NULL,
	org_id uuid NOT NULL,
	observed_at timestamptz NOT NULL,
	follower_count bigint,
	following_count bigint,
	total_likes_count bigint,
	video_count bigint,
	exact boolean NOT NULL,
	source text NOT NULL,
	CONSTRAINT creator_history_pkey PRIMARY KEY (creator_id, observed_at, org_id),
	CONSTRAINT creator_history_creator_fkey FOREIGN KEY (creator_id, org_id)
		REFERENCES trackagoat.creator (id, org_id) ON DELETE CASCADE,
	CONSTRAINT creator_history_counts_check CHECK (least(follower_count, following_count, total_likes_count, video_count) >= 0)
);
COMMENT ON TABLE trackagoat.creator_history IS 'observations of creators; written through observe_creators()';
COMMENT ON COLUMN trackagoat.creator_history.creator_id IS 'creator observed';
COMMENT ON COLUMN trackagoat.creator_history.org_id IS 'organization of the creator';
COMMENT ON COLUMN trackagoat.creator_history.observed_at IS 'when TikTok showed these numbers';
COMMENT ON COLUMN trackagoat.creator_history.follower_count IS 'followers; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_history.following_count IS 'accounts followed; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_history.total_likes_count IS 'likes over all videos; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_history.video_count IS 'videos on TikTok; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.creator_history.exact IS 'false where the source rounds';
COMMENT ON COLUMN trackagoat.creator_history.source IS 'page or API that showed them, or import';

ALTER TABLE trackagoat.creator ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.creator_history ENABLE ROW LEVEL SECURITY;
-- Videos: a TikTok post within one project, and what was observed of it.

CREATE TABLE trackagoat.video (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	tiktok_video_id bigint NOT NULL,
	tiktok_handle trackagoat.handle,
	tracking_status trackagoat.tracking_status NOT NULL DEFAULT 'direct_add',
	kind text NOT NULL DEFAULT 'video',
	title text,
	posted_at timestamptz,
	duration integer,
	thumbnail_url text,
	hashtags text[],
	is_ad boolean,
	view_count bigint,
	like_count bigint,
	comment_count bigint,
	share_count bigint,
	save_count bigint,
	last_observed_at timestamptz,
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	tracking_disabled_at timestamptz,
	refresh_stopped_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT video_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to
	CONSTRAINT video_project_key UNIQUE (id, project_id, org_id),
	CONSTRAINT video_tiktok_video_id_key UNIQUE (project_id, tiktok_video_id, org_id),
	CONSTRAINT video_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_tiktok_video_id_check CHECK (tiktok_video_id > 0),
	CONSTRAINT video_kind_check CHECK (kind IN ('video', 'photo')),
	CONSTRAINT video_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT video_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT video_counts_check CHECK (least(view_count, like_count, comment_count, share_count, save_count) >= 0)
) WITH (fillfactor = 80);
COMMENT ON TABLE trackagoat.video IS 'TikTok post (video or photo carousel) tracked within one project';
COMMENT ON COLUMN trackagoat.video.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.video.org_id IS 'organization; taken from the project or creator when left out';
COMMENT ON COLUMN trackagoat.video.project_id IS 'project that tracks the post; taken from the creator when left out';
COMMENT ON COLUMN trackagoat.video.creator_id IS 'creator of the project whose post it is; NULL for one added by URL whose author is no creator of the project';
COMMENT ON COLUMN trackagoat.video.tiktok_video_id IS 'TikTok''s id of the post; unique in the project';
COMMENT ON COLUMN trackagoat.video.tiktok_handle IS 'author''s handle as the page last showed it';
COMMENT ON COLUMN trackagoat.video.tracking_status IS 'where the post stands; auto_tracked, included and direct_add count';
COMMENT ON COLUMN trackagoat.video.kind IS 'video or photo';
COMMENT ON COLUMN trackagoat.video.title IS 'caption of the post';
COMMENT ON COLUMN trackagoat.video.posted_at IS 'when it was posted';
COMMENT ON COLUMN trackagoat.video.duration IS 'length in seconds; 0 for photos';
COMMENT ON COLUMN trackagoat.video.thumbnail_url IS 'cover picture; TikTok''s link expires after about two days';
COMMENT ON COLUMN trackagoat.video.hashtags IS 'hashtags of the caption, without "#"';
COMMENT ON COLUMN trackagoat.video.is_ad IS 'whether TikTok marks it as an advertisement';
COMMENT ON COLUMN trackagoat.video.view_count IS 'views, last known';
COMMENT ON COLUMN trackagoat.video.like_count IS 'likes, last known';
COMMENT ON COLUMN trackagoat.video.comment_count IS 'comments, last known';
COMMENT ON COLUMN trackagoat.video.share_count IS 'shares, last known';
COMMENT ON COLUMN trackagoat.video.save_count IS 'saves, last known';
COMMENT ON COLUMN trackagoat.video.last_observed_at IS 'time of the newest observation';
COMMENT ON COLUMN trackagoat.video.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.video.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.video.tracking_disabled_at IS 'since when people have disabled it: not fetched, not counted for goals';
COMMENT ON COLUMN trackagoat.video.refresh_stopped_at IS 'since when it is no longer fetched by itself; it still counts';
COMMENT ON COLUMN trackagoat.video.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.video.updated_at IS 'when a person last changed the row; a scrape does not move it';

CREATE INDEX video_creator_idx ON trackagoat.video (creator_id) WHERE creator_id IS NOT NULL;
COMMENT ON INDEX trackagoat.video_creator_idx IS 'videos of a creator';
CREATE INDEX video_tiktok_video_id_idx ON trackagoat.video (tiktok_video_id);
COMMENT ON INDEX trackagoat.video_tiktok_video_id_idx IS 'all projects that track a post';
CREATE INDEX video_organization_idx ON trackagoat.video (org_id);
COMMENT ON INDEX trackagoat.video_organization_idx IS 'videos of an organization';

CREATE TRIGGER video_fill BEFORE INSERT ON trackagoat.video
	FOR EACH ROW EXECUTE FUNCTION trackagoat.video_fill();
COMMENT ON TRIGGER video_fill ON trackagoat.video IS 'fills project_id and org_id';
CREATE TRIGGER video_scrape AFTER INSERT OR UPDATE OF tracking_status, tracking_disabled_at, refresh_stopped_at
	ON trackagoat.video
	FOR EACH ROW WHEN (trackagoat.video_is_fetched(NEW.tracking_status, NEW.tracking_disabled_at, NEW.refresh_stopped_at))
	EXECUTE FUNCTION trackagoat.video_scrape();
COMMENT ON TRIGGER video_scrape ON trackagoat.video IS 'makes the standing job; queues a post added by URL at once';
CREATE TRIGGER video_touch BEFORE UPDATE OF
		tracking_status, readme, metadata, tracking_disabled_at ON trackagoat.video
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER video_touch ON trackagoat.video IS 'moves updated_at with what people change';

CREATE TABLE trackagoat.video_history (
	video_id uuid NOT NULL,
	org_id uuid NOT NULL,
	observed_at timestamptz NOT NULL,
	view_count bigint,
	like_count bigint,
	comment_count bigint,
	share_count bigint,
	save_count bigint,
	exact boolean NOT NULL,
	source text NOT NULL,
	CONSTRAINT video_history_pkey PRIMARY KEY (video_id, observed_at, org_id),
	CONSTRAINT video_history_video_fkey FOREIGN KEY (video_id, org_id)
		REFERENCES trackagoat.video (id, org_id) ON DELETE CASCADE,
	CONSTRAINT video_history_counts_check CHECK (least(view_count, like_count, comment_count, share_count, save_count) >= 0)
);
COMMENT ON TABLE trackagoat.video_history IS 'observations of videos; written through observe_videos()';
COMMENT ON COLUMN trackagoat.video_history.video_id IS 'video observed';
COMMENT ON COLUMN trackagoat.video_history.org_id IS 'organization of the video';
COMMENT ON COLUMN trackagoat.video_history.observed_at IS 'when TikTok showed these numbers';
COMMENT ON COLUMN trackagoat.video_history.view_count IS 'views; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_history.like_count IS 'likes; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_history.comment_count IS 'comments; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_history.share_count IS 'shares; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_history.save_count IS 'saves; NULL where the source shows none';
COMMENT ON COLUMN trackagoat.video_history.exact IS 'false where the source rounds';
COMMENT ON COLUMN trackagoat.video_history.source IS 'page or API that showed them, or import';

ALTER TABLE trackagoat.video ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.video_history ENABLE ROW LEVEL SECURITY;
-- Campaigns: named groups of creators, videos and other campaigns of a project.

CREATE TABLE trackagoat.campaign (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	name text NOT NULL,
	readme text,
	metadata jsonb NOT NULL DEFAULT '{}',
	target_views bigint,
	target_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT campaign_pkey PRIMARY KEY (id, org_id),
	-- what rows of the same project refer to
	CONSTRAINT campaign_project_key UNIQUE (id, project_id, org_id),
	CONSTRAINT campaign_project_fkey FOREIGN KEY (project_id, org_id)
		REFERENCES trackagoat.project (id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
	CONSTRAINT campaign_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
	CONSTRAINT campaign_readme_check CHECK (octet_length(readme) <= 65536),
	CONSTRAINT campaign_target_views_check CHECK (target_views > 0)
);
COMMENT ON TABLE trackagoat.campaign IS 'named group of creators, videos and other campaigns; its totals count each video below it once';
COMMENT ON COLUMN trackagoat.campaign.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.campaign.org_id IS 'organization; taken from the project when left out';
COMMENT ON COLUMN trackagoat.campaign.project_id IS 'project of the campaign and of all its items';
COMMENT ON COLUMN trackagoat.campaign.name IS 'name, 1 to 200 characters';
COMMENT ON COLUMN trackagoat.campaign.readme IS 'notes in markdown, at most 64 KiB';
COMMENT ON COLUMN trackagoat.campaign.metadata IS 'JSON object for programs';
COMMENT ON COLUMN trackagoat.campaign.target_views IS 'views to reach';
COMMENT ON COLUMN trackagoat.campaign.target_at IS 'by when to reach them';
COMMENT ON COLUMN trackagoat.campaign.created_at IS 'when the row was made';
COMMENT ON COLUMN trackagoat.campaign.updated_at IS 'when a person last changed the row';

CREATE INDEX campaign_project_idx ON trackagoat.campaign (project_id);
COMMENT ON INDEX trackagoat.campaign_project_idx IS 'campaigns of a project';

CREATE TRIGGER campaign_fill BEFORE INSERT ON trackagoat.campaign
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_fill();
COMMENT ON TRIGGER campaign_fill ON trackagoat.campaign IS 'fills org_id';
CREATE TRIGGER campaign_touch BEFORE UPDATE ON trackagoat.campaign
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
	EXECUTE FUNCTION trackagoat.touch_updated_at();
COMMENT ON TRIGGER campaign_touch ON trackagoat.campaign IS 'moves updated_at';

CREATE TABLE trackagoat.campaign_item (
	campaign_id uuid NOT NULL,
	org_id uuid NOT NULL,
	project_id uuid NOT NULL,
	creator_id uuid,
	video_id uuid,
	child_campaign_id uuid,
	item_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(creator_id, video_id, child_campaign_id, campaign_id)) STORED,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT campaign_item_pkey PRIMARY KEY (campaign_id, item_id, org_id),
	CONSTRAINT campaign_item_one_check CHECK (num_nonnulls(creator_id, video_id, child_campaign_id) = 1),
	CONSTRAINT campaign_item_campaign_fkey FOREIGN KEY (campaign_id, project_id, org_id)
		REFERENCES trackagoat.campaign (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_creator_fkey FOREIGN KEY (creator_id, project_id, org_id)
		REFERENCES trackagoat.creator (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_video_fkey FOREIGN KEY (video_id, project_id, org_id)
		REFERENCES trackagoat.video (id, project_id, org_id) ON DELETE CASCADE,
	CONSTRAINT campaign_item_child_campaign_fkey FOREIGN KEY (child_campaign_id, project_id, org_id)
		REFERENCES trackagoat.campaign (id, project_id, org_id) ON DELETE CASCADE
);
COMMENT ON TABLE trackagoat.campaign_item IS 'what a campaign holds: a creator (all its counted videos), a video, or another campaign';
COMMENT ON COLUMN trackagoat.campaign_item.campaign_id IS 'campaign that holds the item';
COMMENT ON COLUMN trackagoat.campaign_item.org_id IS 'organization; taken from the campaign when left out';
COMMENT ON COLUMN trackagoat.campaign_item.project_id IS 'project; taken from the campaign when left out';
COMMENT ON COLUMN trackagoat.campaign_item.creator_id IS 'the creator held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.video_id IS 'the video held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.child_campaign_id IS 'the campaign held, or NULL';
COMMENT ON COLUMN trackagoat.campaign_item.item_id IS 'id of what is held, whichever it is';
COMMENT ON COLUMN trackagoat.campaign_item.created_at IS 'when the item was added';

CREATE INDEX campaign_item_creator_idx ON trackagoat.campaign_item (creator_id) WHERE creator_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_creator_idx IS 'campaigns that hold a creator';
CREATE INDEX campaign_item_video_idx ON trackagoat.campaign_item (video_id) WHERE video_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_video_idx IS 'campaigns that hold a video';
CREATE INDEX campaign_item_child_campaign_idx ON trackagoat.campaign_item (child_campaign_id)
	WHERE child_campaign_id IS NOT NULL;
COMMENT ON INDEX trackagoat.campaign_item_child_campaign_idx IS 'campaigns that hold a campaign';

CREATE TRIGGER campaign_item_fill BEFORE INSERT ON trackagoat.campaign_item
	FOR EACH ROW EXECUTE FUNCTION trackagoat.campaign_item_fill();
COMMENT ON TRIGGER campaign_item_fill ON trackagoat.campaign_item IS 'fills org_id and project_id';
CREATE TRIGGER campaign_item_cycle AFTER INSERT OR UPDATE ON trackagoat.campaign_item
	FOR EACH ROW WHEN (NEW.child_campaign_id IS NOT NULL)
	EXECUTE FUNCTION trackagoat.campaign_item_cycle();
COMMENT ON TRIGGER campaign_item_cycle ON trackagoat.campaign_item IS 'refuses a campaign that would hold itself';

ALTER TABLE trackagoat.campaign ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.campaign_item ENABLE ROW LEVEL SECURITY;
-- The queue of scrapes and what came of each attempt.  No tenant data: one
-- standing job serves every project that tracks the account or video.

CREATE TABLE trackagoat.scrape_outcome (
	outcome text NOT NULL,
	is_success boolean NOT NULL DEFAULT false,
	retry_after interval NOT NULL,
	retry_limit interval NOT NULL,
	host_pause interval,
	description text NOT NULL,
	CONSTRAINT scrape_outcome_pkey PRIMARY KEY (outcome),
	CONSTRAINT scrape_outcome_retry_check CHECK (retry_after >= '0' AND retry_limit >= retry_after)
);
COMMENT ON TABLE trackagoat.scrape_outcome IS 'what an attempt can come to, and what the worker then does';
COMMENT ON COLUMN trackagoat.scrape_outcome.outcome IS 'name';
COMMENT ON COLUMN trackagoat.scrape_outcome.is_success IS 'whether the page was read and stored';
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_after IS 'pause before the next attempt of the same job; doubles with each attempt in a row that fails';
COMMENT ON COLUMN trackagoat.scrape_outcome.retry_limit IS 'longest such pause';
COMMENT ON COLUMN trackagoat.scrape_outcome.host_pause IS 'pause before anything is asked of the host again; NULL for none';
COMMENT ON COLUMN trackagoat.scrape_outcome.description IS 'what it means';

INSERT INTO trackagoat.scrape_outcome (outcome, is_success, retry_after, retry_limit, host_pause, description) VALUES
	('ok', true, '0', '0', NULL, 'the page was read and stored'),
	('not_found', false, '1 day', '7 days', NULL, 'TikTok says that the account or video does not exist; banned and renamed accounts answer the same'),
	('private', false, '1 day', '7 days', NULL, 'the account or video is not public'),
	('suspended', false, '1 day', '7 days', NULL, 'TikTok has suspended the account'),
	('unavailable', false, '1 hour', '2 days', NULL, 'TikTok does not show it now and does not say that it is gone'),
	('regional', false, '1 day', '7 days', NULL, 'TikTok withholds it in this country'),
	('login_required', false, '1 day', '7 days', NULL, 'TikTok shows it only after login'),
	('account_changed', false, '1 day', '7 days', NULL, 'another account has the handle now; nothing was stored'),
	('challenged', false, '1 hour', '1 day', '30 minutes', 'an anti-bot challenge came instead of the page; it is respected, never solved'),
	('captcha', false, '2 hours', '2 days', '1 hour', 'a captcha came instead of the page; it is respected, never solved'),
	('blocked', false, '2 hours', '2 days', '1 hour', 'the host refused the client or its address'),
	('rate_limited', false, '15 minutes', '1 day', '10 minutes', 'the host asked for fewer requests'),
	('refused_empty', false, '30 minutes', '1 day', NULL, 'an empty answer, which is how TikTok refuses; never read as "no videos"'),
	('repeated_page', false, '1 hour', '1 day', NULL, 'the list of videos gave the same page again'),
	('bad_request', false, '6 hours', '7 days', NULL, 'TikTok calls the request malformed: a fault of trackagoat'),
	('shell', false, '30 minutes', '1 day', NULL, 'the page came without its data'),
	('unreadable', false, '1 hour', '1 day', NULL, 'the answer is none that trackagoat knows'),
	('server_error', false, '5 minutes', '1 day', NULL, 'the host failed (HTTP 5xx)'),
	('redirected', false, '1 hour', '1 day', NULL, 'the host sent the request elsewhere; redirects are not followed'),
	('timeout', false, '5 minutes', '1 day', NULL, 'no full answer within trackagoat.request_timeout'),
	('unreachable', false, '5 minutes', '1 day', NULL, 'the host could not be found or reached, or broke off'),
	('tls_failed', false, '1 hour', '1 day', NULL, 'the host''s certificate or encryption was not accepted'),
	('too_large', false, '6 hours', '7 days', NULL, 'the answer was larger than trackagoat.max_body'),
	('address_refused', false, '1 hour', '1 day', NULL, 'the host''s address is not public; see trackagoat.allow_private_addresses'),
	('partly_stored', false, '1 minute', '1 day', NULL, 'a rule or lock of the database kept the page from some organizations; see detail'),
	('store_failed', false, '1 minute', '1 day', NULL, 'the page was read but a rule or lock of the database kept it from being stored; see detail'),
	('interrupted', false, '10 seconds', '1 day', NULL, 'the worker ended before the answer came');

CREATE TABLE trackagoat.scrape_job (
	id uuid NOT NULL DEFAULT trackagoat.uuidv7(),
	kind trackagoat.scrape_kind NOT NULL,
	tiktok_handle trackagoat.handle,
	tiktok_video_id bigint,
	priority smallint NOT NULL DEFAULT 0,
	due_at timestamptz,
	next_at timestamptz,
	leased_at timestamptz,
	leased_until timestamptz,
	leased_by integer,
	attempts integer NOT NULL DEFAULT 0,
	last_outcome text,
	last_success_at timestamptz,
	sec_uid text,
	list_cursor bigint,
	list_started_at timestamptz,
	list_empty_pages integer NOT NULL DEFAULT 0,
	list_has_gaps boolean NOT NULL DEFAULT false,
	listed_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT scrape_job_pkey PRIMARY KEY (id),
	CONSTRAINT scrape_job_target_key UNIQUE NULLS NOT DISTINCT (kind, tiktok_handle, tiktok_video_id),
	CONSTRAINT scrape_job_priority_check CHECK (priority IN (0, 1)),
	CONSTRAINT scrape_job_target_check CHECK (CASE kind
		WHEN 'video_stats' THEN tiktok_handle IS NULL AND tiktok_video_id IS NOT NULL
		ELSE tiktok_handle IS NOT NULL AND tiktok_video_id IS NULL END),
	CONSTRAINT scrape_job_last_outcome_fkey FOREIGN KEY (last_outcome)
		REFERENCES trackagoat.scrape_outcome (outcome) ON DELETE SET NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE trackagoat.scrape_job IS 'one standing row per kind and TikTok account or video, whichever projects track it';
COMMENT ON COLUMN trackagoat.scrape_job.id IS 'UUID version 7: its order is the order of creation';
COMMENT ON COLUMN trackagoat.scrape_job.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_job.tiktok_handle IS 'account, for creator_profile and discover_videos';
COMMENT ON COLUMN trackagoat.scrape_job.tiktok_video_id IS 'post, for video_stats';
COMMENT ON COLUMN trackagoat.scrape_job.priority IS '1 goes first: what a person waits for; 0 is the schedule';
COMMENT ON COLUMN trackagoat.scrape_job.due_at IS 'queued: to be fetched from then on; NULL while not queued';
COMMENT ON COLUMN trackagoat.scrape_job.next_at IS 'when enqueue_due() queues it by the schedule';
COMMENT ON COLUMN trackagoat.scrape_job.leased_at IS 'when the attempt in flight began';
COMMENT ON COLUMN trackagoat.scrape_job.leased_until IS 'until then no other worker takes it; NULL while not in flight';
COMMENT ON COLUMN trackagoat.scrape_job.leased_by IS 'process id of the worker that has it';
COMMENT ON COLUMN trackagoat.scrape_job.attempts IS 'attempts since the last success, counted before the request is made';
COMMENT ON COLUMN trackagoat.scrape_job.last_outcome IS 'what the last attempt came to';
COMMENT ON COLUMN trackagoat.scrape_job.last_success_at IS 'when it last succeeded';
COMMENT ON COLUMN trackagoat.scrape_job.sec_uid IS 'for discover_videos: the account''s secUid as its profile shows it; the list waits for it';
COMMENT ON COLUMN trackagoat.scrape_job.list_cursor IS 'where the listing of videos goes on (Unix milliseconds); NULL at the newest video';
COMMENT ON COLUMN trackagoat.scrape_job.list_started_at IS 'when the listing under way began';
COMMENT ON COLUMN trackagoat.scrape_job.list_empty_pages IS 'empty pages in a row of the listing under way';
COMMENT ON COLUMN trackagoat.scrape_job.list_has_gaps IS 'whether an organization could not store a page of the listing under way';
COMMENT ON COLUMN trackagoat.scrape_job.listed_at IS 'when the last complete listing began';
COMMENT ON COLUMN trackagoat.scrape_job.created_at IS 'when the row was made';

CREATE INDEX scrape_job_due_idx ON trackagoat.scrape_job (priority DESC, due_at)
	WHERE due_at IS NOT NULL AND (kind <> 'discover_videos' OR sec_uid IS NOT NULL);
COMMENT ON INDEX trackagoat.scrape_job_due_idx IS 'what is queued and can be claimed, in the order of claiming';
CREATE INDEX scrape_job_next_idx ON trackagoat.scrape_job (next_at) WHERE due_at IS NULL;
COMMENT ON INDEX trackagoat.scrape_job_next_idx IS 'what the schedule queues next';
CREATE INDEX scrape_job_lease_idx ON trackagoat.scrape_job (leased_until) WHERE leased_until IS NOT NULL;
COMMENT ON INDEX trackagoat.scrape_job_lease_idx IS 'what is in flight';

CREATE TRIGGER scrape_job_wake AFTER INSERT OR UPDATE OF due_at ON trackagoat.scrape_job
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.wake_worker();
COMMENT ON TRIGGER scrape_job_wake ON trackagoat.scrape_job IS 'wakes the worker when the transaction commits';

CREATE TABLE trackagoat.scrape_request (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	kind trackagoat.scrape_kind NOT NULL,
	tiktok_handle trackagoat.handle,
	tiktok_video_id bigint,
	due_at timestamptz,
	next_at timestamptz,
	priority smallint NOT NULL,
	renew boolean NOT NULL,
	CONSTRAINT scrape_request_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE trackagoat.scrape_request IS 'requests made while another open transaction held the job: the next claim or enqueue_due() folds them into scrape_job, so that nobody waits';
COMMENT ON COLUMN trackagoat.scrape_request.id IS 'rises with time';
COMMENT ON COLUMN trackagoat.scrape_request.kind IS 'what is to be fetched';
COMMENT ON COLUMN trackagoat.scrape_request.tiktok_handle IS 'account, for creator_profile and discover_videos';
COMMENT ON COLUMN trackagoat.scrape_request.tiktok_video_id IS 'post, for video_stats';
COMMENT ON COLUMN trackagoat.scrape_request.due_at IS 'from when; NULL leaves it to the schedule';
COMMENT ON COLUMN trackagoat.scrape_request.next_at IS 'when the schedule is to queue it';
COMMENT ON COLUMN trackagoat.scrape_request.priority IS '1 for what a person waits for';
COMMENT ON COLUMN trackagoat.scrape_request.renew IS 'whether the list waits for a fresh profile';

CREATE TRIGGER scrape_request_wake AFTER INSERT ON trackagoat.scrape_request
	FOR EACH STATEMENT EXECUTE FUNCTION trackagoat.wake_worker();
COMMENT ON TRIGGER scrape_request_wake ON trackagoat.scrape_request IS 'wakes the worker when the transaction commits';

CREATE TABLE trackagoat.scrape_attempt (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
	job_id uuid,
	kind trackagoat.scrape_kind NOT NULL,
	tiktok_handle trackagoat.handle,
	tiktok_video_id bigint,
	attempt integer NOT NULL,
	worker_pid integer NOT NULL,
	started_at timestamptz NOT NULL,
	finished_at timestamptz,
	outcome text,
	http_status integer,
	body_bytes bigint,
	detail text,
	next_attempt_at timestamptz,
	host_paused_until timestamptz,
	CONSTRAINT scrape_attempt_pkey PRIMARY KEY (id),
	CONSTRAINT scrape_attempt_job_fkey FOREIGN KEY (job_id)
		REFERENCES trackagoat.scrape_job (id) ON DELETE SET NULL,
	CONSTRAINT scrape_attempt_outcome_fkey FOREIGN KEY (outcome)
		REFERENCES trackagoat.scrape_outcome (outcome) ON DELETE SET NULL
);
COMMENT ON TABLE trackagoat.scrape_attempt IS 'one row per request, kept for trackagoat.attempt_retention days';
COMMENT ON COLUMN trackagoat.scrape_attempt.id IS 'rises with time';
COMMENT ON COLUMN trackagoat.scrape_attempt.job_id IS 'job, or NULL once it is no longer tracked';
COMMENT ON COLUMN trackagoat.scrape_attempt.kind IS 'what was fetched';
COMMENT ON COLUMN trackagoat.scrape_attempt.tiktok_handle IS 'account, for creator_profile and discover_videos';
COMMENT ON COLUMN trackagoat.scrape_attempt.tiktok_video_id IS 'post, for video_stats';
COMMENT ON COLUMN trackagoat.scrape_attempt.attempt IS 'which attempt since the last success';
COMMENT ON COLUMN trackagoat.scrape_attempt.worker_pid IS 'process that made it';
COMMENT ON COLUMN trackagoat.scrape_attempt.started_at IS 'when it was claimed';
COMMENT ON COLUMN trackagoat.scrape_attempt.finished_at IS 'when its outcome was known; NULL while in flight';
COMMENT ON COLUMN trackagoat.scrape_attempt.outcome IS 'what it came to; NULL while in flight';
COMMENT ON COLUMN trackagoat.scrape_attempt.http_status IS 'HTTP status, where there was an answer';
COMMENT ON COLUMN trackagoat.scrape_attempt.body_bytes IS 'size of the answer after decompression';
COMMENT ON COLUMN trackagoat.scrape_attempt.detail IS 'what libcurl, TikTok or the database said of a failure';
COMMENT ON COLUMN trackagoat.scrape_attempt.next_attempt_at IS 'when the same job is due again, where that was decided by this attempt';
COMMENT ON COLUMN trackagoat.scrape_attempt.host_paused_until IS 'until when nothing is asked of the host after this; clear it to ask again sooner';

CREATE INDEX scrape_attempt_started_idx ON trackagoat.scrape_attempt (started_at);
COMMENT ON INDEX trackagoat.scrape_attempt_started_idx IS 'attempts by time, and those that retention removes';
CREATE INDEX scrape_attempt_job_idx ON trackagoat.scrape_attempt (job_id);
COMMENT ON INDEX trackagoat.scrape_attempt_job_idx IS 'attempts of a job';
CREATE INDEX scrape_attempt_pause_idx ON trackagoat.scrape_attempt (host_paused_until)
	WHERE host_paused_until IS NOT NULL;
COMMENT ON INDEX trackagoat.scrape_attempt_pause_idx IS 'pauses of the host';
CREATE INDEX scrape_attempt_open_idx ON trackagoat.scrape_attempt (job_id) WHERE finished_at IS NULL;
COMMENT ON INDEX trackagoat.scrape_attempt_open_idx IS 'attempts in flight';

CREATE VIEW trackagoat.scrape_queue WITH (security_invoker = true, security_barrier = true) AS
	SELECT kind,
		count(*) AS jobs,
		count(*) FILTER (WHERE is_claimable AND due_at <= now()) AS waiting,
		count(*) FILTER (WHERE leased_until IS NOT NULL) AS in_flight,
		count(*) FILTER (WHERE is_claimable AND due_at > now()) AS retrying,
		count(*) FILTER (WHERE leased_until IS NULL AND due_at IS NOT NULL AND NOT is_claimable) AS awaiting_profile,
		now() - min(due_at) FILTER (WHERE is_claimable AND due_at <= now()) AS oldest_wait,
		min(next_at) FILTER (WHERE due_at IS NULL) AS next_scheduled
	FROM trackagoat.scrape_job,
		LATERAL (SELECT leased_until IS NULL AND (kind <> 'discover_videos' OR sec_uid IS NOT NULL) AS is_claimable) c
	GROUP BY kind;
COMMENT ON VIEW trackagoat.scrape_queue IS 'the queue at a glance, a row per kind';
COMMENT ON COLUMN trackagoat.scrape_queue.kind IS 'what is fetched';
COMMENT ON COLUMN trackagoat.scrape_queue.jobs IS 'accounts or videos tracked';
COMMENT ON COLUMN trackagoat.scrape_queue.waiting IS 'queued and due';
COMMENT ON COLUMN trackagoat.scrape_queue.in_flight IS 'being fetched now';
COMMENT ON COLUMN trackagoat.scrape_queue.retrying IS 'queued for later, after a failure';
COMMENT ON COLUMN trackagoat.scrape_queue.awaiting_profile IS 'queued, but the profile has not yet told the account''s secUid';
COMMENT ON COLUMN trackagoat.scrape_queue.oldest_wait IS 'how long the longest waiting job has been due';
COMMENT ON COLUMN trackagoat.scrape_queue.next_scheduled IS 'when the schedule queues the next job';

ALTER TABLE trackagoat.scrape_outcome ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_job ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE trackagoat.scrape_attempt ENABLE ROW LEVEL SECURITY;
$tables$;
		INSERT INTO trackagoat.setup_version (version) VALUES (wanted);
	END IF;

	IF trackagoat.worker_problem() IS NOT NULL THEN
		RAISE NOTICE '%', trackagoat.worker_problem()
			USING HINT = 'The tables work all the same; nothing is fetched by itself until then.';
	END IF;
	PERFORM FROM pg_extension e WHERE e.extname = 'pg_cron';
	IF NOT FOUND THEN
		RAISE NOTICE 'pg_cron is not installed in this database'
			USING HINT = 'Install it and SELECT trackagoat.schedule_scrapes(), or call trackagoat.enqueue_due() every minute by other means.';
	END IF;
END
$setup$;
COMMENT ON PROCEDURE trackagoat.setup() IS
	'create the tables, or bring older ones up to date; again changes nothing; says what the worker still lacks';

-- Rights: PUBLIC may use what only computes; all that touches tables or the
-- worker is for the roles that the owner names.

REVOKE ALL ON ALL ROUTINES IN SCHEMA trackagoat FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
	trackagoat.handle_in(cstring),
	trackagoat.handle_out(trackagoat.handle),
	trackagoat.handle_recv(internal),
	trackagoat.handle_send(trackagoat.handle),
	trackagoat.handle(text),
	trackagoat.text(trackagoat.handle),
	trackagoat.handle_eq(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_ne(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_lt(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_le(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_gt(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_ge(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_cmp(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_eq(trackagoat.handle, text),
	trackagoat.handle_ne(trackagoat.handle, text),
	trackagoat.handle_lt(trackagoat.handle, text),
	trackagoat.handle_le(trackagoat.handle, text),
	trackagoat.handle_gt(trackagoat.handle, text),
	trackagoat.handle_ge(trackagoat.handle, text),
	trackagoat.handle_cmp(trackagoat.handle, text),
	trackagoat.handle_eq(text, trackagoat.handle),
	trackagoat.handle_ne(text, trackagoat.handle),
	trackagoat.handle_lt(text, trackagoat.handle),
	trackagoat.handle_le(text, trackagoat.handle),
	trackagoat.handle_gt(text, trackagoat.handle),
	trackagoat.handle_ge(text, trackagoat.handle),
	trackagoat.handle_cmp(text, trackagoat.handle),
	trackagoat.handle_eq(text, text),
	trackagoat.handle_ne(text, text),
	trackagoat.handle_lt(text, text),
	trackagoat.handle_le(text, text),
	trackagoat.handle_gt(text, text),
	trackagoat.handle_ge(text, text),
	trackagoat.handle_cmp(text, text),
	trackagoat.handle_like(trackagoat.handle, text),
	trackagoat.handle_not_like(trackagoat.handle, text),
	trackagoat.handle_sortsupport(internal),
	trackagoat.handle_hash(trackagoat.handle),
	trackagoat.handle_hash(text),
	trackagoat.handle_hash_extended(trackagoat.handle, bigint),
	trackagoat.handle_hash_extended(text, bigint),
	trackagoat.handle_larger(trackagoat.handle, trackagoat.handle),
	trackagoat.handle_smaller(trackagoat.handle, trackagoat.handle),
	trackagoat.max(trackagoat.handle),
	trackagoat.min(trackagoat.handle),
	trackagoat.parent_missing(text, text, uuid),
	trackagoat.entity_missing(text, uuid),
	trackagoat.check_observations(text, uuid[], timestamptz[], integer[]),
	trackagoat.uuidv7(),
	trackagoat.video_id_time(bigint),
	trackagoat.parse_handle(text),
	trackagoat.parse_video_url(text),
	trackagoat.read_page(bytea),
	trackagoat.is_timezone(text),
	trackagoat.tables_version(),
	trackagoat.is_public_address(inet),
	trackagoat.happens_now(timestamptz),
	trackagoat.video_is_fetched(trackagoat.tracking_status, timestamptz, timestamptz),
	trackagoat.video_counts(trackagoat.tracking_status, timestamptz)
	TO PUBLIC;

