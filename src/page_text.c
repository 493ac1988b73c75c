/*
 * page_text.c
 *	  Finds the data scripts of a page.
 *
 * No HTML parser: one walk over the tags, just careful enough that neither an
 * attribute value nor the text of a title or another script can pose as the
 * script that is looked for.
 */
#include "pure.h"

#include <ctype.h>

#include "page_parts.h"

/* A start tag. */
typedef struct Tag
{
	TextSpan	name;
	TextSpan	id;				/* the value of the attribute, if any */
	bool		empty;			/* does it close itself, as within SVG? */
} Tag;

static bool next_tag(TextSpan *rest, Tag *tag);
static void read_attributes(TextSpan *rest, Tag *tag);
static TextSpan read_value(TextSpan *rest);
static TextSpan read_word(TextSpan *rest, const char *stops);
static TextSpan skip_raw_text(TextSpan *rest, TextSpan name);
static void skip_spaces(TextSpan *rest, char also);
static bool is_word(TextSpan span, const char *word);

/*
 * Which data scripts does this HTML page carry?  The first of each id counts,
 * as in a browser.  Answers whether there is any; the spans point into the
 * body.  One that the end of the body cuts off is taken as far as it goes.
 */
bool
page_find_scripts(TextSpan body, PageScripts *scripts)
{
	const struct
	{
		const char *id;
		TextSpan   *span;
	}			wanted[] = {
		{"__UNIVERSAL_DATA_FOR_REHYDRATION__", &scripts->universal},
		{"__FRONTITY_CONNECT_STATE__", &scripts->frontity},
		{"SIGI_STATE", &scripts->sigi},
	};
	bool		found = false;
	Tag			tag;

	memset(scripts, 0, sizeof(*scripts));

	while (next_tag(&body, &tag))
	{
		TextSpan	text;

		if (!is_word(tag.name, "script"))
		{
			if (!tag.empty &&
				(is_word(tag.name, "title") || is_word(tag.name, "style") ||
				 is_word(tag.name, "textarea")))
				(void) skip_raw_text(&body, tag.name);
			continue;
		}

		text = skip_raw_text(&body, tag.name);
		for (int i = 0; i < (int) lengthof(wanted); i++)
		{
			if (wanted[i].span->at == NULL &&
				strlen(wanted[i].id) == tag.id.length &&
				memcmp(wanted[i].id, tag.id.at, tag.id.length) == 0)
			{
				*wanted[i].span = text;
				scripts->cut_off = (body.length == 0);
				found = true;
			}
		}
	}
	return found;
}

/*
 * Moves to behind the next start tag and describes it; false at the end.
 */
static bool
next_tag(TextSpan *rest, Tag *tag)
{
	const char *open;

	while ((open = memchr(rest->at, '<', rest->length)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		span_advance(rest, open - rest->at + 1);
		if (rest->length >= 3 && memcmp(rest->at, "!--", 3) == 0)
		{
			const char *close = memmem(rest->at, rest->length, "-->", 3);

			span_advance(rest, close ? (size_t) (close - rest->at) : rest->length);
		}
		else if (rest->length > 0 && isalpha((unsigned char) *rest->at))
		{
			memset(tag, 0, sizeof(*tag));
			tag->name = read_word(rest, " \t\r\n\f/>");
			read_attributes(rest, tag);
			return true;
		}
	}
	return false;
}

/*
 * Reads the attributes up to and with the tag's closing bracket.  They come
 * in any order, with values in either kind of quotes, in none, or without.
 */
static void
read_attributes(TextSpan *rest, Tag *tag)
{
	for (;;)
	{
		TextSpan	name;
		TextSpan	value = {NULL, 0};

		skip_spaces(rest, '/');
		if (rest->length == 0)
			return;
		if (*rest->at == '>')
		{
			tag->empty = (rest->at[-1] == '/');
			span_advance(rest, 1);
			return;
		}

		/* a stray "=" begins a name, so that every turn takes something */
		name = read_word(rest, " \t\r\n\f/>=");
		if (name.length == 0)
			span_advance(rest, 1);
		skip_spaces(rest, ' ');
		if (rest->length > 0 && *rest->at == '=')
		{
			span_advance(rest, 1);
			skip_spaces(rest, ' ');
			value = read_value(rest);
		}
		if (tag->id.at == NULL && is_word(name, "id"))
			tag->id = value;
	}
}

/* Reads an attribute's value: quoted, or up to a space or the bracket. */
static TextSpan
read_value(TextSpan *rest)
{
	TextSpan	value;
	const char *close;

	if (rest->length == 0 || (*rest->at != '"' && *rest->at != '\''))
		return read_word(rest, " \t\r\n\f>");

	close = memchr(rest->at + 1, *rest->at, rest->length - 1);
	value.at = rest->at + 1;
	value.length = (close ? close : rest->at + rest->length) - value.at;
	span_advance(rest, value.length + (close ? 2 : 1));
	return value;
}

/*
 * Reads up to one of the given characters, which is left in place.  None of
 * them comes after '>', which is quickly told of letters.
 */
static TextSpan
read_word(TextSpan *rest, const char *stops)
{
	TextSpan	word = {rest->at, 0};

	while (word.length < rest->length &&
		   (word.at[word.length] > '>' || word.at[word.length] == '\0' ||
			strchr(stops, word.at[word.length]) == NULL))
		word.length++;
	span_advance(rest, word.length);
	return word;
}

/*
 * Moves to the end tag of an element whose content is raw text, and answers
 * that content; without an end tag it is all the rest.
 */
static TextSpan
skip_raw_text(TextSpan *rest, TextSpan name)
{
	TextSpan	text = {rest->at, rest->length};
	TextSpan	look = *rest;
	const char *open;

	while ((open = memchr(look.at, '<', look.length)) != NULL)
	{
		span_advance(&look, open - look.at + 1);
		if (look.length > name.length && *look.at == '/' &&
			strncasecmp(look.at + 1, name.at, name.length) == 0)
		{
			text.length = open - text.at;
			break;
		}
	}
	span_advance(rest, text.length);
	return text;
}

/* Skips white space, and the other character too. */
static void
skip_spaces(TextSpan *rest, char also)
{
	while (rest->length > 0 &&
		   (*rest->at == also || *rest->at == ' ' || *rest->at == '\t' ||
			*rest->at == '\r' || *rest->at == '\n' || *rest->at == '\f'))
		span_advance(rest, 1);
}

/* Is the span this word, in any case? */
static bool
is_word(TextSpan span, const char *word)
{
	return span.length == strlen(word) &&
		strncasecmp(span.at, word, span.length) == 0;
}
