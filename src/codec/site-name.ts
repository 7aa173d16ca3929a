/** What a site is called: in a plan's audience, in a bundle's, and in the site's own state. */

const SITE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/

/** The rule in words, for whoever wrote another name. */
export const SITE_NAME_RULE = 'a site is 1 to 64 letters, digits, dots, hyphens or underscores'

/** True for a site's name: 1 to 64 of `A-Z a-z 0-9 . _ -`, with a letter or digit at either end. */
export function isSiteName(text: string): boolean {
  return SITE.test(text)
}
