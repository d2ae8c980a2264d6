/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"

#define NAME_SIZE 40
/* How far into the document the XML declaration is looked for. */
#define DECLARATION_SIZE ((size_t)512)

/* windows-1252 0x80..0x9F (WHATWG Encoding, index windows-1252); the holes are U+FFFD, C1 controls serve nobody. */
static const uint16_t cp1252[32] = {0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
	0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019,
	0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD,
	0x017E, 0x0178};

/* RFC 3629; `c` is below 0x10000 here. */
static void add_char(struct buf *out, unsigned c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xC0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 0x3F)));
	} else {
		buf_add_char(out, (char)(0xE0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
		buf_add_char(out, (char)(0x80 | (c & 0x3F)));
	}
}

static int allowed_control(unsigned char c)
{
	return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

static void add_cp1252(struct buf *out, unsigned char c)
{
	add_char(out, c >= 0x80 && c < 0xA0 ? cp1252[c - 0x80] : c);
}

/* The length of the valid UTF-8 character at `s` that XML allows; 0: none; -1: valid, but forbidden. */
static int char_length(const unsigned char *s, size_t left)
{
	static const unsigned lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned c = s[0];
	size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;

	if (n == 0 || n > left)
		return 0;
	if (n == 1)
		return allowed_control(s[0]) ? 1 : -1;
	c &= 0x7Fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3F);
	}
	if (c < lowest[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
		return 0;
	return c == 0xFFFE || c == 0xFFFF ? -(int)n : (int)n;
}

static void decode_utf8(const unsigned char *s, size_t len, struct buf *out)
{
	size_t i = 0, done = 0;

	while (i < len) {
		int n = char_length(s + i, len - i);
		if (n > 0) {
			i += (size_t)n;
			continue;
		}
		buf_add(out, s + done, i - done);
		if (n == 0)
			add_cp1252(out, s[i]);
		i += n == 0 ? 1 : (size_t)-n;
		done = i;
	}
	buf_add(out, s + done, len - done);
}

/* 1 when there is a character beyond ASCII and none is broken: then it is UTF-8, chance can not do that for long. */
static int is_utf8(const unsigned char *s, size_t len)
{
	int wide = 0;

	for (size_t i = 0; i < len;) {
		int n = char_length(s + i, len - i);
		if (n == 0)
			return 0;
		wide |= n > 1;
		i += (size_t)(n < 0 ? -n : n);
	}
	return wide;
}

static void decode_cp1252(const unsigned char *s, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++)
		if (allowed_control(s[i]))
			add_cp1252(out, s[i]);
}

/* Everything else through iconv; what it can not read becomes U+FFFD. */
static int decode_iconv(
	const char *name, const char *bytes, size_t len, struct buf *out, struct err *e)
{
	iconv_t cd = iconv_open("UTF-8", name);
	struct buf raw = BUF_INIT;
	char *in = (char *)bytes; /* iconv(3) does not write there */

	if (cd == (iconv_t)-1)
		return err_set(e, ERR_REMOTE, "Error: Not a feed: unknown encoding \"%s\"", name);
	while (len > 0) {
		size_t room = 4 * MIN(len, (size_t)65536) + 16;
		char *to = buf_reserve(&raw, room), *start = to;
		size_t rc = iconv(cd, &in, &len, &to, &room);
		buf_added(&raw, (size_t)(to - start));
		if (rc != (size_t)-1 || errno == E2BIG)
			continue;
		add_char(&raw, 0xFFFD);
		if (errno == EINVAL) /* cut in the middle of the last character */
			break;
		in++;
		len--;
	}
	iconv_close(cd);
	decode_utf8((const unsigned char *)buf_str(&raw), raw.len, out);
	buf_release(&raw);
	return 0;
}

/* --- which encoding ------------------------------------------------------------------------------------------- */

/* The word after `key` and "=", quoted or not, within `len` bytes; "" when there is none. */
static void find_value(const char *s, size_t len, const char *key, char name[NAME_SIZE])
{
	size_t klen = strlen(key), i = 0, n = 0;

	name[0] = '\0';
	while (i + klen < len && strncasecmp(s + i, key, klen) != 0)
		i++;
	i += klen;
	while (i < len && (s[i] == ' ' || s[i] == '\t'))
		i++;
	if (i >= len || s[i] != '=')
		return;
	i++;
	while (i < len && strchr(" \t'\"", s[i]) != NULL && s[i] != '\0')
		i++;
	while (i < len && n + 1 < NAME_SIZE && s[i] > ' ' && s[i] < 0x7F &&
		strchr("'\";?>", s[i]) == NULL)
		name[n++] = s[i++];
	name[n] = '\0';
}

static void declared(const char *bytes, size_t len, char name[NAME_SIZE])
{
	const char *end;

	name[0] = '\0';
	len = MIN(len, DECLARATION_SIZE);
	if (len < 6 || memcmp(bytes, "<?xml", 5) != 0)
		return;
	end = memchr(bytes, '>', len);
	if (end != NULL)
		find_value(bytes, (size_t)(end - bytes), "encoding", name);
}

static int is_one_of(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcasecmp(name, *list) == 0)
			return 1;
	return 0;
}

/* Browsers read all of these as windows-1252, and feeds are written for them (WHATWG Encoding, 4.2). */
static const char *const western[] = {"windows-1252", "cp1252", "iso-8859-1", "iso8859-1",
	"iso_8859-1", "latin1", "us-ascii", "ascii", NULL};
static const char *const unicode8[] = {"utf-8", "utf8", NULL};
/* What iconv may be asked for. A name from outside never reaches it unchecked: it loads converters by name, and
 * some of those nobody uses have had holes. */
static const char *const others[] = {"iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5",
	"iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-9", "iso-8859-10", "iso-8859-13",
	"iso-8859-14", "iso-8859-15", "iso-8859-16", "windows-1250", "windows-1251", "windows-1253",
	"windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258",
	"windows-874", "koi8-r", "koi8-u", "macintosh", "shift_jis", "euc-jp", "iso-2022-jp",
	"euc-kr", "big5", "gb2312", "gbk", "gb18030", NULL};

/* A declaration that can be read as ASCII while it says UTF-16 is wrong. */
static int is_wide(const char *name)
{
	return strncasecmp(name, "utf-16", 6) == 0 || strncasecmp(name, "utf-32", 6) == 0 ||
	       strncasecmp(name, "ucs-", 4) == 0 || strncasecmp(name, "iso-10646-", 10) == 0;
}

/* By byte order mark, or by how "<?" looks (XML 1.0, appendix F); NULL: one byte per ASCII character. */
static const char *wide_by_look(const unsigned char *s, size_t len)
{
	if (len >= 2 && ((s[0] == 0xFF && s[1] == 0xFE) || (s[0] == '<' && s[1] == 0)))
		return "UTF-16LE";
	if (len >= 2 && ((s[0] == 0xFE && s[1] == 0xFF) || (s[0] == 0 && s[1] == '<')))
		return "UTF-16BE";
	return NULL;
}

static int decode(
	const char *bytes, size_t len, const char *content_type, struct buf *out, struct err *e)
{
	const unsigned char *s = (const unsigned char *)bytes;
	char http[NAME_SIZE] = "", decl[NAME_SIZE];
	const char *name;

	if (wide_by_look(s, len) != NULL)
		return decode_iconv(wide_by_look(s, len), bytes, len, out, e);
	if (content_type != NULL)
		find_value(content_type, strlen(content_type), "charset", http);
	declared(bytes, len, decl);
	name = decl[0] != '\0' ? decl : http;
	if (is_one_of(http, unicode8) && is_utf8(s, len))
		name = "utf-8";
	if (is_one_of(name, western))
		decode_cp1252(s, len, out);
	else if (name[0] == '\0' || is_one_of(name, unicode8) || is_wide(name))
		decode_utf8(s, len, out);
	else if (is_one_of(name, others))
		return decode_iconv(name, bytes, len, out, e);
	else
		return err_set(e, ERR_REMOTE, "Error: Not a feed: unknown encoding \"%s\"", name);
	return 0;
}

static size_t blanks(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (s[n] == ' ' || s[n] == '\t' || s[n] == '\n' || s[n] == '\r'))
		n++;
	return n;
}

int feeds_charset_decode(
	const char *bytes, size_t len, const char *content_type, struct buf *out, struct err *e)
{
	static const char bom[] = "\xEF\xBB\xBF";
	size_t skip = blanks(bytes, len), start = out->len;
	int rc;

	if (len - skip >= 3 && memcmp(bytes + skip, bom, 3) == 0) {
		skip += 3;
		skip += blanks(bytes + skip, len - skip);
		decode_utf8((const unsigned char *)bytes + skip, len - skip, out);
		return 0;
	}
	rc = decode(bytes + skip, len - skip, content_type, out, e);
	/* A mark that was written in UTF-16 is a character now. */
	if (rc == 0 && out->len - start >= 3 && memcmp(out->data + start, bom, 3) == 0) {
		memmove(out->data + start, out->data + start + 3, out->len - start - 3);
		out->len -= 3;
		out->data[out->len] = '\0';
	}
	return rc;
}
