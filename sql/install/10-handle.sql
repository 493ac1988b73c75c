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
