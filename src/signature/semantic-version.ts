/** Semantic versions (semver.org 2.0.0), as plugins and signatures name them. */

const NUMBER = '(?:0|[1-9]\\d*)'
const PART = `(?:${NUMBER}|\\d*[A-Za-z-][0-9A-Za-z-]*)`
const VERSION = new RegExp(
  `^(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})(?:-(${PART}(?:\\.${PART})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
)

function compareParts(a: string, b: string): number {
  const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  // Numbers stand below words; digits are compared as text, since they may be of any length.
  if (x !== y) return x ? -1 : 1
  if (x && a.length !== b.length) return a.length - b.length
  return a === b ? 0 : a < b ? -1 : 1
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (const [at, part] of a.entries()) {
    const other = b[at]
    if (other === undefined) return 1
    const order = compareParts(part, other)
    if (order !== 0) return order
  }
  return a.length - b.length
}

export function isVersion(text: string): boolean {
  return VERSION.test(text)
}

/** Below, equal to or above zero as `a` precedes, equals or follows `b`; undefined when one of them is no version. */
export function compareVersions(a: string, b: string): number | undefined {
  const [left, right] = [VERSION.exec(a), VERSION.exec(b)]
  if (left === null || right === null) return undefined
  const order = compareLists(left.slice(1, 4), right.slice(1, 4))
  if (order !== 0) return order
  const [before, after] = [left[4], right[4]]
  // A version before a release precedes it.
  if (before === undefined || after === undefined) return Number(before === undefined) - Number(after === undefined)
  return compareLists(before.split('.'), after.split('.'))
}
