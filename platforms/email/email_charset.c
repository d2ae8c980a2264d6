/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_charset.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <string.h>

#define KEY_SIZE 24
/* Input and output of one turn of iconv: a bounded result needs no more of a long text converted. */
#define CHUNK 16384

/* windows-1252 0x80..0x9F (WHATWG Encoding, index windows-1252); the holes are U+FFFD. */
static const uint16_t cp1252[32] = {0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
	0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019,
	0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD,
	0x017E, 0x0178};

/* --- UTF-8 ------------------------------------------------------------------------------------------------------ */

/* Where text goes, and how long it may become. */
struct sink {
	struct buf *out;
	size_t end; /* of out->len */
	int full;
	int utf8; /* somebody says so, or it was seen */
};

static void put(struct sink *s, const char *text, size_t len)
{
	size_t room = s->end - s->out->len, fit = email_charset_fit(text, len, room);

	buf_add(s->out, text, fit);
	s->full |= fit < len;
}

/* RFC 3629; `c` is below 0x10000 here. */
static void put_char(struct sink *s, unsigned c)
{
	char text[3];
	size_t n = 0;

	if (c >= 0x800)
		text[n++] = (char)(0xE0 | c >> 12);
	if (c >= 0x800)
		text[n++] = (char)(0x80 | (c >> 6 & 0x3F));
	else if (c >= 0x80)
		text[n++] = (char)(0xC0 | c >> 6);
	text[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c);
	put(s, text, n);
}

static void put_cp1252(struct sink *s, unsigned char c)
{
	put_char(s, c >= 0x80 && c < 0xA0 ? cp1252[c - 0x80] : c);
}

static int allowed(unsigned char c)
{
	return (c >= 0x20 && c != 0x7F) || c == '\t' || c == '\n' || c == '\r';
}

int email_charset_character(const unsigned char *s, size_t left)
{
	unsigned char c = s[0];
	size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
	unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */

	if (c == 0xE0)
		low = 0xA0;
	else if (c == 0xED)
		high = 0x9F;
	else if (c == 0xF0)
		low = 0x90;
	else if (c == 0xF4)
		high = 0x8F;
	for (size_t i = 1; i < n && i < left; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xBF;
	}
	return n > left ? -1 : (int)n;
}

/* Runs of good characters are copied at once: nearly every text is one run. */
static void decode_utf8(struct sink *to, const unsigned char *s, size_t len)
{
	size_t i = 0, done = 0;

	while (i < len && !to->full) {
		int n = s[i] < 0x80 ? allowed(s[i]) : email_charset_character(s + i, len - i);

		to->utf8 |= n > 1;
		if (n > 0 && i + (size_t)n - done < CHUNK) {
			i += (size_t)n;
			continue;
		}
		put(to, (const char *)s + done, i - done);
		done = i;
		if (n > 0)
			continue;
		if (n < 0 && to->utf8)
			return;
		if (s[i] >= 0x80 && !to->full)
			put_cp1252(to, s[i]);
		done = ++i;
	}
	if (!to->full)
		put(to, (const char *)s + done, len - done);
}

int email_charset_is_utf8(const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	int wide = 0;

	for (size_t i = 0; i < len;) {
		int n = s[i] < 0x80 ? 1 : email_charset_character(s + i, len - i);

		if (n == 0)
			return 0;
		if (n < 0)
			break;
		wide |= n > 1;
		i += (size_t)n;
	}
	return wide;
}

size_t email_charset_fit(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)s[max] & 0xC0) == 0x80)
		max--;
	return max;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

/* What is not iconv's. */
#define UTF8    "utf8"
#define GUESS   "guess"
#define WESTERN "western"
#define UTF16   "utf16"

/* Keys are names in small letters without anything but letters and digits. As browsers do, the smaller sets of a
 * family are read as the one that contains them (WHATWG Encoding, 4.2). Converters nobody needs are not here: some
 * have had holes. */
static const struct {
	const char *key, *iconv;
} names[] = {{"utf8", UTF8}, {"unicode11utf8", UTF8}, {"cp65001", UTF8}, {"65001", UTF8},
	{"usascii", GUESS}, {"ascii", GUESS}, {"ansix341968", GUESS}, {"iso646us", GUESS},
	{"utf8mb4", UTF8}, {"iso88591", WESTERN}, {"iso885911987", WESTERN}, {"latin1", WESTERN},
	{"l1", WESTERN}, {"88591", WESTERN}, {"windows1252", WESTERN}, {"cp1252", WESTERN},
	{"win1252", WESTERN}, {"1252", WESTERN}, {"ibm819", WESTERN}, {"cp819", WESTERN},
	{"utf16", UTF16}, {"utf16le", "UTF-16LE"}, {"utf16be", "UTF-16BE"}, {"ucs2", UTF16},
	{"iso10646ucs2", UTF16}, {"utf7", "UTF-7"}, {"unicode11utf7", "UTF-7"},
	{"iso88592", "ISO-8859-2"}, {"latin2", "ISO-8859-2"}, {"iso88593", "ISO-8859-3"},
	{"iso88594", "ISO-8859-4"}, {"iso88595", "ISO-8859-5"}, {"iso88596", "ISO-8859-6"},
	{"iso88597", "ISO-8859-7"}, {"greek", "ISO-8859-7"}, {"iso88598", "ISO-8859-8"},
	{"iso88598i", "ISO-8859-8"}, {"iso88598e", "ISO-8859-8"}, {"iso88599", "CP1254"},
	{"latin5", "CP1254"}, {"iso885910", "ISO-8859-10"}, {"iso885911", "CP874"},
	{"tis620", "CP874"}, {"iso885913", "ISO-8859-13"}, {"iso885914", "ISO-8859-14"},
	{"iso885915", "ISO-8859-15"}, {"latin9", "ISO-8859-15"}, {"iso885916", "ISO-8859-16"},
	{"windows1250", "CP1250"}, {"cp1250", "CP1250"}, {"windows1251", "CP1251"},
	{"cp1251", "CP1251"}, {"win1251", "CP1251"}, {"windows1253", "CP1253"},
	{"cp1253", "CP1253"}, {"windows1254", "CP1254"}, {"cp1254", "CP1254"},
	{"windows1255", "CP1255"}, {"cp1255", "CP1255"}, {"windows1256", "CP1256"},
	{"cp1256", "CP1256"}, {"windows1257", "CP1257"}, {"cp1257", "CP1257"},
	{"windows1258", "CP1258"}, {"cp1258", "CP1258"}, {"windows874", "CP874"},
	{"cp874", "CP874"}, {"cp437", "CP437"}, {"ibm437", "CP437"}, {"cp850", "CP850"},
	{"ibm850", "CP850"}, {"cp852", "CP852"}, {"ibm852", "CP852"}, {"cp866", "CP866"},
	{"ibm866", "CP866"}, {"koi8r", "KOI8-R"}, {"koi8u", "KOI8-U"}, {"koi8ru", "KOI8-U"},
	{"koi8", "KOI8-R"}, {"cp20866", "KOI8-R"}, {"cp21866", "KOI8-U"}, {"cp20127", GUESS},
	{"cp28591", WESTERN}, {"cp28592", "ISO-8859-2"}, {"cp28595", "ISO-8859-5"},
	{"cp28597", "ISO-8859-7"}, {"cp28605", "ISO-8859-15"}, {"macintosh", "MACINTOSH"},
	{"mac", "MACINTOSH"}, {"macroman", "MACINTOSH"}, {"xmacroman", "MACINTOSH"},
	{"shiftjis", "CP932"}, {"sjis", "CP932"}, {"xsjis", "CP932"}, {"mskanji", "CP932"},
	{"windows31j", "CP932"}, {"cp932", "CP932"}, {"eucjp", "EUC-JP"}, {"xeucjp", "EUC-JP"},
	{"iso2022jp", "ISO-2022-JP"}, {"iso2022jp1", "ISO-2022-JP"}, {"csiso2022jp", "ISO-2022-JP"},
	{"cp50220", "ISO-2022-JP"}, {"cp50221", "ISO-2022-JP"}, {"euckr", "CP949"},
	{"ksc56011987", "CP949"}, {"ksc5601", "CP949"}, {"windows949", "CP949"}, {"cp949", "CP949"},
	{"uhc", "CP949"}, {"iso2022kr", "ISO-2022-KR"}, {"big5", "BIG5-HKSCS"},
	{"big5hkscs", "BIG5-HKSCS"}, {"xbig5", "BIG5-HKSCS"}, {"cp950", "BIG5-HKSCS"},
	{"windows950", "BIG5-HKSCS"}, {"gb2312", "GB18030"}, {"xgb2312", "GB18030"},
	{"gb231280", "GB18030"}, {"euccn", "GB18030"}, {"gbk", "GB18030"}, {"xgbk", "GB18030"},
	{"cp936", "GB18030"}, {"windows936", "GB18030"}, {"gb18030", "GB18030"}};

/* --- other encodings -------------------------------------------------------------------------------------------- */

static void decode_cp1252(struct sink *to, const unsigned char *s, size_t len)
{
	for (size_t i = 0; i < len && !to->full; i++)
		if (allowed(s[i]))
			put_cp1252(to, s[i]);
}

/* glibc loads the code of a converter when the first descriptor is opened and unloads it after the last is closed, 80 us
 * a time: a header of 5,000 encoded words in changing sets took 0.4 s. So one descriptor of each stays open for good. */
static void keep_loaded(const char *name)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static struct {
		const char *name;
		iconv_t cd;
	} kept[ARRAY_LEN(names)];
	size_t i = 0;

	pthread_mutex_lock(&mutex);
	while (kept[i].name != NULL && strcmp(kept[i].name, name) != 0)
		i++;
	if (kept[i].name == NULL) {
		kept[i].name = name;
		kept[i].cd = iconv_open("UTF-8", name);
	}
	pthread_mutex_unlock(&mutex);
}

/* What iconv cannot read becomes U+FFFD. */
static void decode_iconv(struct sink *to, const char *name, const char *bytes, size_t len)
{
	iconv_t cd = iconv_open("UTF-8", name);
	char *in = (char *)bytes; /* iconv(3) does not write there */
	size_t unit = strncmp(name, "UTF-16", 6) == 0 ? 2 : 1;

	keep_loaded(name);
	if (cd == (iconv_t)-1) { /* a system without that converter */
		decode_utf8(to, (const unsigned char *)bytes, len);
		return;
	}
	while (len > 0 && !to->full) {
		char text[CHUNK], *end = text;
		size_t room = sizeof text;
		size_t rc = iconv(cd, &in, &len, &end, &room);
		int why = errno;

		decode_utf8(to, (const unsigned char *)text, (size_t)(end - text));
		if (rc != (size_t)-1 || why == E2BIG)
			continue;
		if (why == EINVAL) /* cut in the middle of the last character */
			break;
		if (!to->full)
			put_char(to, 0xFFFD);
		in += MIN(unit, len);
		len -= MIN(unit, len);
	}
	iconv_close(cd);
}

/* Byte order: the mark, else where the zero bytes of ASCII characters are. NULL: this is not UTF-16 at all. */
static const char *utf16_order(const char *bytes, size_t len)
{
	size_t zeros[2] = {0, 0};

	if (len >= 2 && memcmp(bytes, "\xFF\xFE", 2) == 0)
		return "UTF-16LE";
	if (len >= 2 && memcmp(bytes, "\xFE\xFF", 2) == 0)
		return "UTF-16BE";
	for (size_t i = 0; i < MIN(len, (size_t)1024); i++)
		zeros[i & 1] += bytes[i] == '\0';
	if (zeros[0] + zeros[1] == 0)
		return NULL;
	return zeros[1] > zeros[0] ? "UTF-16LE" : "UTF-16BE";
}

static const char *converter(const char *label)
{
	char key[KEY_SIZE];
	size_t n = 0;

	for (; label != NULL && *label != '\0' && n + 1 < sizeof key; label++) {
		char c = (char)(*label >= 'A' && *label <= 'Z' ? *label + 0x20 : *label);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			key[n++] = c;
	}
	key[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(key, names[i].key) == 0)
			return names[i].iconv;
	return GUESS;
}

static void decode(struct sink *to, const char *bytes, size_t len, const char *name)
{
	const unsigned char *s = (const unsigned char *)bytes;

	if (strcmp(name, UTF16) == 0) {
		name = utf16_order(bytes, len);
		if (name == NULL)
			name = GUESS;
	}
	if (strcmp(name, WESTERN) == 0 && email_charset_is_utf8(bytes, len))
		name = UTF8;
	to->utf8 = strcmp(name, GUESS) != 0;
	if (strcmp(name, UTF8) == 0 || strcmp(name, GUESS) == 0)
		decode_utf8(to, s, len);
	else if (strcmp(name, WESTERN) == 0)
		decode_cp1252(to, s, len);
	else
		decode_iconv(to, name, bytes, len);
}

int email_charset_decode(
	const char *bytes, size_t len, const char *label, size_t max, struct buf *out)
{
	static const char bom[] = "\xEF\xBB\xBF";
	size_t start = out->len;
	struct sink to = {out, start + MIN(max, SIZE_MAX - start), 0, 0};

	if (len == 0)
		return 0;
	decode(&to, bytes, len, converter(label));
	if (out->len - start >= 3 && memcmp(out->data + start, bom, 3) == 0) {
		memmove(out->data + start, out->data + start + 3, out->len - start - 3);
		out->len -= 3;
		out->data[out->len] = '\0';
	}
	return to.full;
}
