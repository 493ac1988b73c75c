-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION trackagoat" to load this file. \quit

-- Every name below is qualified all the same; this keeps operators to the catalogue's.
SET LOCAL search_path TO pg_catalog, pg_temp;
