/** Text for a person: hostile characters made visible, sizes and times in short form. */

// Control characters move the cursor, bidi marks reorder a line, zero-width ones hide in it: all to fool the approver (B3).
const HOSTILE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu

/** The text with every character that a terminal acts on written as `\u{…}`. */
export function plain(text: string): string {
  return text.replace(HOSTILE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** The value as JSON in which no character stands that a terminal acts on; parsed, it is the same value. */
export function visibleJson(value: unknown): string {
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(HOSTILE, (character) => character.split('').map(escape).join(''))
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** A number of bytes in the unit that gives it two or three digits. */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[unit]}`
}

export function seconds(count: number): string {
  if (!Number.isFinite(count)) return '?'
  if (count < 60) return `${Math.ceil(count)} s`
  return count < 3600 ? `${Math.ceil(count / 60)} min` : `${(count / 3600).toFixed(1)} h`
}

/** `1 blob`, `2 blobs`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A span in the largest unit in which it is whole. */
export function spanText(seconds: number): string {
  for (const [unit, name] of [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const)
    if (seconds % unit === 0) return counted(seconds / unit, name)
  return counted(seconds, 'second')
}

const SAFE = /^[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*$/

/** The text as one word of a command line that can be pasted: quoted where a shell would read it as something else. */
export function word(text: string): string {
  if (SAFE.test(text)) return text
  // A name that begins with a dash would be taken for an option.
  const named = text.startsWith('-') ? `./${text}` : text
  const shown = plain(named)
  if (shown === named) return SAFE.test(named) ? named : `'${named.replaceAll("'", `'\\''`)}'`
  const escaped = named.replaceAll(/[\\']/g, '\\$&').replaceAll(HOSTILE, (character) => {
    return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
  })
  return `$'${escaped}'`
}

/** As a person names an artifact at a target: `host/path`, `oci:DIR:path`. */
export function placed({ target, path }: { target: string; path: string }): string {
  return `${target}${target.startsWith('oci:') ? ':' : '/'}${path}`
}
