/**
 * Texts that are JSON, are not, or are left open by RFC 8259, in the classes of JSONTestSuite and under its letters:
 * `y` every reader takes, `n` no reader may take, `i` is a reader's own choice, which I-JSON and this project make here.
 */

export interface JsonCase {
  name: string
  bytes: Buffer
  letter: 'y' | 'n' | 'i'
  taken: boolean
}

type Texts = Record<string, string | Buffer>

const latin = (text: string): Buffer => Buffer.from(text, 'latin1')
/** The texts between spaces and line ends, backslashes as they stand. */
const list = (raw: TemplateStringsArray): string[] => String.raw(raw).trim().split(/\s+/)
const each = (prefix: string, texts: readonly string[], wrap: (text: string) => string | Buffer): Texts =>
  Object.fromEntries(texts.map((text) => [`${prefix} ${JSON.stringify(text)}`, wrap(text)]))
const bare = (text: string): string => text
const inArray = (text: string): string => `[${text}]`
const inString = (text: string): string => `["${text}"]`
const asName = (text: string): string => `{"${text}":0}`
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

const NUMBERS = list`
  0 -0 1 -1 12 123 20e1 0e1 0e+1 0E0 -0.0 0.5 -0.5 1e1 1E1 1e+2 1E-2 1.5e3 123.456e-3 123.456789 0.0000000000000001
  1e-7 9007199254740991 -9007199254740991 1000e-3 1.0 10.00 1e00 1e-0 5e-324 2.2250738585072014e-308 4.9e-10
  90071992547409.91`

const NOT_NUMBERS = [
  '- 1',
  '1 000',
  ...list`
    +1 ++1 +0 +Infinity Infinity -Infinity NaN -NaN +NaN nan Inf -inf .5 -.5 +.5 . - + --1 -01 00 01 -00 012 -012 00.5
    0. 1. -1. 1.e1 0.e1 .e1 1e 1E 1e+ 1E- 0e 0e+ 1.5e 1.5e+ 1e1.5 1e1e1 1.2.3 1..2 1ee2 1eE2 1e++1 1e+-1 0x1 0x42 0b1
    0o7 017 1_000 1,000.5. 1f 1L 1n 1.5f 1% $1 1- 1+ 1/2 1-1 2.e+3 2.e-3 0.3e 0.3e+ 1.8011670033376514H-308 -foo -1x 1a
    １ ١ ½ ∞ −1`,
]

const NOT_WORDS = [
  'tr ue',
  ...list`
    True TRUE tru truee fals False falsee nul Null NULL nulll nil None undefined void yes no on f t n true1 truefalse
    а abc @ # =`,
]

const ESCAPED = list`
  \" \\\\ \/ \b \f \n \r \t \"\\\/\b\f\n\r\t \\u0000 \\n \\\" \u0041 \u00e9 \u00E9 \u0000 \u001f \u007f \u0022 \u005C \u002c
  \u0060 \u2028 \u2029 \u200b \ufeff \uffff \ufffe \ufdd0 \uD7ff \ue000 \u0821 \ud834\udd1e \uD834\uDD1E \udbff\udfff
  \ud800\udc00 \ud83f\udffe a\uD83D\uDE00b`

const BAD_ESCAPES = [
  '\\ ',
  '\\\n',
  '\\\t',
  '\\\u0000',
  '\\u 041',
  ...list`
    \a \0 \1 \x00 \x41 \v \e \' \N \B \T \U0041 \u \u0 \u00 \u00A \u004 \uqqqq \u00g0 \u{41} \u{1F600} \u+041 \u-041
    \u0x41 \u.041 \ \\\ \é \🌀 \constructor \__proto__ \uD834\u \uD834\uDd \uD800\u1x`,
]

/** Every half of a pair that stands alone: a name would be equal to another in one reader and not in the next. */
const LONE = [
  '\\uD834 \\uDD1E',
  ...list`
    \ud800 \udbff \udc00 \udfff \uDADA \uD888\u1234 \ud800abc \udd1e\ud834 \ud834\ud834 \ud800\ud800\udc00 a\udc00
    \ud800\n \ud800\ue000 \ud800\u0041 \udc00\udc00 \ud834\\udd1e`,
]

const BAD_UTF8: Record<string, string> = {
  'a lone continuation': '80',
  'two lone continuations': '81bf',
  'a start without its rest': 'c3',
  'a start of three cut short': 'e282',
  'a start of four cut short': 'f09f98',
  'a start before a letter': 'e261',
  'an overlong slash in two': 'c0af',
  'an overlong slash in three': 'e080af',
  'an overlong slash in four': 'f08080af',
  'an overlong NUL': 'c080',
  'an overlong quote': 'c0a2',
  'an overlong highest of two': 'c1bf',
  'a surrogate, high': 'eda080',
  'a surrogate, low': 'edbfbf',
  'a pair of surrogates (CESU-8)': 'eda0b5edb49e',
  'above the last character': 'f4908080',
  'five bytes': 'f888808080',
  'six bytes': 'fc8480808080',
  'the byte FE': 'fe',
  'the byte FF': 'ff',
  'Latin-1': 'e9',
}

const SPACES = ['', ' ', '\t', '\n', '\r', '\r\n', ' \t\n\r ']
const NOT_SPACES = [
  0x0b, 0x0c, 0xa0, 0x85, 0x1680, 0x2000, 0x2028, 0x2029, 0x3000, 0x2060, 0x200b, 0x180e, 0x00, 0xfeff,
].map((code) => String.fromCharCode(code))

const STRUCTURES = [
  '[ 1 , 2 ]',
  '{ "a" : 1 }',
  '\n[\n]\n',
  '{"a b":1}',
  '["\u007f"]',
  '["\u2028\u2029"]',
  '["\ufdd0\ufffe\uffff"]',
  '["𝄞","\u{10ffff}"]',
  '["\u200b\u202e"]',
  '{"é":1,"e\u0301":2}',
  ...list`
    [] {} [[]] [{}] {"a":{}} [[],[[]]] [1,2,3] [null,1,"1",{}] {"":0} {"a":1,"b":2} {"a":1,"A":2} {"a":[]} {"\u0000":1}
    ["a",""] [""] "a" "" null true false "\u0041" {"constructor":1} {"prototype":1} {"toString":1} ["/*","*/"]
    {"hasOwnProperty":1} {"valueOf":{"a":1}} {"0":1,"1":2} {"1":1,"01":2} {"_proto_":1} {"__Proto__":1}`,
]

const BROKEN = [
  '',
  ' ',
  '\n',
  '[1 2]',
  '["a" "b"]',
  '1 2',
  '"a" "b"',
  '{"a":1 "b":2}',
  '{"a" 1}',
  '[//\n1]',
  '#\n[]',
  '<!-- -->[]',
  '{"a":1}\n{"a":1}',
  '[1]\0',
  '\0[1]',
  '[`a`]',
  ...list`
    [ ] { } [[ ]] []] [[] {}} {{} [} {] [1 [1, [1,] [,1] [,] [1,,2] [,,] [1,,] [1;2] [1:2] [1]x [1]1 [1][1] [], []{}
    """" [1], , ,1 : ; () (1) <null> [<null>] {"a"} {"a":} {"a":1,} {,"a":1} {"a":1,,"b":2} {"a"::1} {"a"=1} {"a",1}
    {:1} {1:1} {a:1} {'a':1} {null:1} {[]:1} {"a":1;} {"a":1 {"a": {"a" {" {"a":"b" {"a":1, {"a":1,"b" [" ["a ["a" ["a",
    [true [tru [- [0. [1e ["\ ["\u ["\u0 ["\ud800 ["\ud800\ ['a'] [“a”] ["a] [a"] [\u0041] [\n] ["a"b] ["a"+"b"]
    [/**/1] /**/[] []/**/ []// []# {"a":/**/1} {"a":1}// {...a} [...[]] {"a":1}{"a":1} {"a":1}x {"a":1}" callback([])
    [1); {"a":b} {"a":1}} {"b":[} [{"a":1] [{]} {"a":"\"} [a] * 1] " \ "\"`,
]

/** Of two equal members one reader takes the first, another the last. The runtime's own takes the last. */
const TWICE = list`
  {"a":1,"a":1} {"a":1,"a":2} {"":1,"":2} {"a":1,"\u0061":2} {"\u0061":1,"\u0061":2} {"a":{"b":1,"b":2}}
  [{"a":1,"b":2,"a":3}] {"\/":1,"/":2} {"é":1,"\u00e9":2} {"𝄞":1,"\ud834\udd1e":2} {"constructor":1,"constructor":2}`

const DEEP: Texts = Object.fromEntries(
  [65, 500, 1e5].flatMap((depth) => [
    [`arrays ${depth} deep`, '['.repeat(depth + 1) + ']'.repeat(depth + 1)],
    [`objects ${depth} deep`, `${'{"a":'.repeat(depth)}[]${'}'.repeat(depth)}`],
    [`arrays and objects ${depth} deep`, `${'[{"":'.repeat(depth)}0${'}]'.repeat(depth)}`],
  ]),
)

/** The reader's own choices. Stops: prototype pollution, numbers and names that two readers take differently. */
const REFUSED: Texts = {
  ...DEEP,
  ...each('a member twice', TWICE, bare),
  ...each(
    'number without bounds',
    list`1e400 -1e400 1e309 1E9999999999 123123e100000 -123123e100000 0.4e0066999999999`,
    inArray,
  ),
  ...each(
    'number over 2^53',
    list`
    9007199254740992 -9007199254740992 9007199254740993 100000000000000000000 1e16 1e308 18446744073709551615
    -9223372036854775808 123456789012345678.5`,
    inArray,
  ),
  'number of 310 digits': `[1${'0'.repeat(309)}]`,
  ...each('lone surrogate', LONE, inString),
  ...each('lone surrogate in a name', LONE.slice(0, 4), asName),
  ...each(
    '__proto__',
    list`
    {"__proto__":1} {"__proto__":{"a":1}} {"\u005f_proto__":1} [{"a":{"__proto__":null}}] {"__proto__":1,"__proto__":2}`,
    bare,
  ),
  'a byte-order mark': '\ufeff{}',
  'a byte-order mark and nothing': '\ufeff',
  'half a byte-order mark': latin('\xef\xbb{}'),
  'UTF-16, big end first': Buffer.from('feff005b005d', 'hex'),
  'UTF-16, little end first': Buffer.from('fffe5b005d00', 'hex'),
  'UTF-16 without a mark': Buffer.from('5b005d00', 'hex'),
  'UTF-32': Buffer.from('5b0000005d000000', 'hex'),
}

const CHOSEN: Texts = {
  ...each(
    'number',
    list`
    1e-400 -1e-400 123e-10000000 0.1000000000000000055511151231257827 3.141592653589793238462643383279 -1e-9999 0e400
    0e99999 9007199254740991.0`,
    inArray,
  ),
  'arrays 64 deep': '['.repeat(65) + ']'.repeat(65),
  'objects 64 deep': `${'{"a":'.repeat(64)}0${'}'.repeat(64)}`,
  'a long string': `["${'a'.repeat(1e6)}"]`,
  'many siblings': `[${'[],'.repeat(1e5)}[]]`,
  'many members': `{${range(0, 10_000)
    .map((i) => `"${i}":0`)
    .join(',')}}`,
}

const UNCLOSED: Texts = {
  '100000 arrays opened': '['.repeat(1e5),
  '100000 objects opened': '{"a":'.repeat(1e5),
  '50000 pairs opened': '[{"":'.repeat(5e4),
  'a long string never closed': `"${'a'.repeat(1e6)}`,
  'escapes never closed': `"${'\\\\'.repeat(1e5)}`,
}

const OUTSIDE_UTF8: Texts = Object.fromEntries(
  Object.entries(BAD_UTF8).flatMap(([what, hex]) => {
    const odd = Buffer.from(hex, 'hex')
    return [
      [`UTF-8 in a string: ${what}`, Buffer.concat([latin('["'), odd, latin('"]')])],
      [`UTF-8 in a name: ${what}`, Buffer.concat([latin('{"'), odd, latin('":0}')])],
      [`UTF-8 outside: ${what}`, Buffer.concat([latin('['), odd, latin(']')])],
    ]
  }),
)

const spaced = (s: string): string => `${s}{${s}"a"${s}:${s}[${s}1${s},${s}2${s}]${s}}${s}`

function cases(letter: JsonCase['letter'], taken: boolean, texts: Texts): JsonCase[] {
  return Object.entries(texts).map(([name, text]) => ({ name, bytes: Buffer.from(text as string), letter, taken }))
}

export const JSON_CASES: readonly JsonCase[] = [
  ...cases('y', true, {
    ...each('structure', STRUCTURES, bare),
    ...each('number', NUMBERS, inArray),
    ...each('number alone', NUMBERS.slice(0, 10), bare),
    ...each('word', ['true', 'false', 'null'], inArray),
    ...each('escape', ESCAPED, inString),
    ...each('escape in a name', ESCAPED.slice(0, 12), asName),
    ...each('space', SPACES, spaced),
  }),
  ...cases('n', false, {
    ...each('structure', BROKEN, bare),
    ...UNCLOSED,
    ...OUTSIDE_UTF8,
    ...each('number', NOT_NUMBERS, inArray),
    ...each('number alone', NOT_NUMBERS.slice(0, 30), bare),
    ...each('number as a value', NOT_NUMBERS.slice(30, 50), (text) => `{"a":${text}}`),
    ...each('word', NOT_WORDS, inArray),
    ...each('word alone', NOT_WORDS.slice(0, 14), bare),
    ...each('escape', BAD_ESCAPES, inString),
    ...each('escape in a name', BAD_ESCAPES.slice(0, 12), asName),
    ...each(
      'space before',
      NOT_SPACES.filter((text) => text !== '\ufeff'),
      (text) => `${text}[]`,
    ),
    ...each('space inside', NOT_SPACES, (text) => `[${text}1]`),
    ...each('space behind', NOT_SPACES, (text) => `[]${text}`),
    ...each(
      'control character',
      range(0, 32).map((code) => String.fromCharCode(code)),
      inString,
    ),
    ...each('control character in a name', ['\u0000', '\t', '\n', '\u001f'], (text) => `{"a${text}":0}`),
  }),
  ...cases('i', false, REFUSED),
  ...cases('i', true, CHOSEN),
]
