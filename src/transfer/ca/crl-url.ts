/** Where revocation lists will lie: written into certificates, which cannot be changed afterwards. */
import { SallyportError } from '../../errors/index.ts'

/** Passes for a folder's URL over plain HTTP. Throws USAGE. */
export function demandCrlBase(base: string): void {
  const bad = (detail: string): SallyportError =>
    new SallyportError('USAGE', { side: 'source', subject: '--crl-url', detail })
  // A list is signed itself, and to check the TLS certificate of its place a further list would be needed.
  if (!base.startsWith('http://')) throw bad('it begins with http://, the one scheme that verifiers fetch lists by')
  if (!URL.canParse(base) || !/^[!-~]{1,1024}$/.test(base)) throw bad('not a URL in ASCII')
  const { search, hash, username, password } = new URL(base)
  if (search !== '' || hash !== '' || username !== '' || password !== '')
    throw bad('it is a folder, without ? # or user')
}

/** Passes for the URL of one list over plain HTTP. Throws USAGE. */
export function demandListUrl(url: string, option: string): void {
  if (url.startsWith('http://') && URL.canParse(url) && /^[!-~]{1,2048}$/.test(url)) return
  throw new SallyportError('USAGE', {
    side: 'source',
    subject: option,
    detail: 'the URL of a list, in ASCII: it begins with http://, the one scheme that verifiers fetch lists by',
  })
}

/** The place of one authority's list in the folder `base`. */
export function crlUrlFor(base: string, name: string): string {
  return `${base.replace(/\/+$/, '')}/${encodeURIComponent(name)}.crl`
}

/** The place beside another authority's list. */
export function crlUrlBeside(url: string, name: string): string {
  return crlUrlFor(url.slice(0, url.lastIndexOf('/')), name)
}
