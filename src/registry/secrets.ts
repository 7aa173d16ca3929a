/**
 * Our own passwords and tokens, as this thread has used them. A registry may say them back, in any header or body and in
 * any spelling of JSON, and errors are logged: so no text from outside is shown before it has passed here.
 */

const MAX_SECRETS = 8_000
/** Shorter ones would be found in words that are none. */
const SHORTEST = 4

const known = new Set<string>()

/** The text as encoders of JSON write it, that of Go among them, which escapes what HTML would act on. */
function spellings(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const html = json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)
  return [text, json, html]
}

export function keepSecret(text: string | undefined): void {
  if (text === undefined || text.length < SHORTEST) return
  for (const spelling of new Set(spellings(text))) {
    const [oldest] = known
    if (known.size >= MAX_SECRETS && oldest !== undefined) known.delete(oldest)
    known.add(spelling)
  }
}

/** The text with `***` in the place of every secret. */
export function hide(text: string): string {
  let out = text
  for (const secret of known) if (out.includes(secret)) out = out.replaceAll(secret, '***')
  return out
}
