/**
 * The folder of a channel on the connected side: roots, sealed keys, and who holds which.
 * `channel.json` names holders and files for people; what a key may do stands in the signed root alone.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { canonicalJson, parseJson, shapeFault } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import {
  CAPS,
  judgeRoots,
  openKey,
  readRoot,
  type ChannelKey,
  type Purpose,
  type Role,
  type Root,
} from '../../tuf/index.ts'
import { allAtRest } from '../run/at-rest.ts'
import { isThere, readOwn } from '../run/small-file.ts'

/** Asked for the passphrase of a key file; must not echo or keep it. */
export type AskPassphrase = (file: string) => Promise<Buffer>

export const holder = z.strictObject({
  role: z.enum(['root', 'targets', 'snapshot', 'timestamp']),
  holder: z.string().min(1).max(64),
  keyid: z.string().regex(/^[0-9a-f]{64}$/),
  file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
})
const schema = z.strictObject({
  format: z.literal('sallyport-channel/1'),
  channel: z.string(),
  purpose: z.enum(['content', 'trust', 'revocation']),
  keys: z.array(holder),
})

export type KeyEntry = z.output<typeof holder>

/** The text of channel.json. */
export function listingText({ channel, purpose, keys }: Pick<ChannelFolder, 'channel' | 'purpose' | 'keys'>): string {
  return `${canonicalJson({ format: 'sallyport-channel/1', channel, purpose, keys: keys.map((entry) => ({ ...entry })) })}\n`
}

export interface ChannelFolder {
  dir: string
  channel: string
  purpose: Purpose
  /** All roots from version 1; the last is in force. */
  roots: Buffer[]
  root: Root
  keys: KeyEntry[]
}

export function rootFileName(version: number): string {
  return `${version}.root.json`
}

/** Far above what channel.json comes to. */
export const LISTING_CAP = 1024 * 1024
/** Far above what a sealed key comes to. */
export const KEY_FILE_CAP = 64 * 1024

/** Roots from version 1 on, as they are judged. */
export function byVersion(roots: readonly Buffer[]): Map<number, Buffer> {
  return new Map(roots.map((bytes, i) => [i + 1, bytes]))
}

/**
 * The newest of the folder's roots, which lead to it from the first as a site follows them: else a root that somebody put
 * there would be built on. Throws CHANNEL_FOLDER_DAMAGED.
 */
function newestRoot(dir: string, roots: readonly Buffer[]): Root {
  try {
    const first = roots[0] ?? Buffer.alloc(0)
    const { channel, purpose } = readRoot(first, { side: 'source', subject: rootFileName(1) })
    return judgeRoots({ channel, purpose, trusted: { rootBytes: first, version: 1 }, roots: byVersion(roots) }).root
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    const detail = `${cause.subject}: ${cause.message}`
    throw new SallyportError('CHANNEL_FOLDER_DAMAGED', { side: 'source', subject: dir, detail, cause })
  }
}

/** The channel kept in a folder. Throws KEY_MISSING when it is none, FILE_UNREADABLE, JSON_MALFORMED, CHANNEL_FOLDER_DAMAGED. */
export function openChannelFolder(dir: string): ChannelFolder {
  const file = join(dir, 'channel.json')
  if (!isThere(file))
    throw new SallyportError('KEY_MISSING', { side: 'source', subject: dir, detail: 'no channel.json there' })
  const parsed = schema.safeParse(parseJson(readOwn(file, LISTING_CAP), 'source', file))
  if (!parsed.success)
    throw new SallyportError('KEY_MALFORMED', {
      side: 'source',
      subject: file,
      detail: shapeFault(parsed.error),
    })
  const roots: Buffer[] = []
  const present = new Set(readdirSync(dir))
  for (let name = rootFileName(1); present.has(name); name = rootFileName(roots.length + 1))
    roots.push(readOwn(join(dir, name), CAPS.root))
  if (roots.length === 0)
    throw new SallyportError('FILE_UNREADABLE', { side: 'source', subject: join(dir, rootFileName(1)) })
  const root = newestRoot(dir, roots)
  return { dir, channel: root.channel, purpose: root.purpose, roots, root, keys: parsed.data.keys }
}

/** The entries of a role that the root in force names and whose key files are here, in the order of channel.json. */
export function presentKeys(folder: ChannelFolder, role: Role): KeyEntry[] {
  const inForce = folder.root.roles[role].keys
  return folder.keys.filter(
    (entry) => entry.role === role && inForce.has(entry.keyid) && existsSync(join(folder.dir, entry.file)),
  )
}

/** Opens one key file. Throws FILE_UNREADABLE, KEY_MALFORMED, KEY_PASSPHRASE, and KEY_REFUSED when it is not the key that was meant. */
export async function openEntry(folder: ChannelFolder, entry: KeyEntry, ask: AskPassphrase): Promise<ChannelKey> {
  return unseal(await askFor(folder, entry, ask))
}

/** A key file that was read, and the passphrase that was given for it. */
interface AskedKey {
  entry: KeyEntry
  file: string
  pem: string
  passphrase: Buffer
}

async function askFor({ dir }: ChannelFolder, entry: KeyEntry, ask: AskPassphrase): Promise<AskedKey> {
  const file = join(dir, entry.file)
  return { entry, file, pem: readOwn(file, KEY_FILE_CAP).toString('latin1'), passphrase: await ask(file) }
}

async function unseal({ entry, file, pem, passphrase }: AskedKey): Promise<ChannelKey> {
  const key = await openKey(pem, passphrase, file)
  if (key.keyid === entry.keyid) return key
  throw new SallyportError('KEY_REFUSED', {
    side: 'source',
    subject: file,
    detail: 'another key than channel.json names',
  })
}

/**
 * The keys an export signs with: snapshot, timestamp, and one person's, all asked for before they are unsealed at once.
 * @param holder - whose; without it the first person whose key is here
 * Throws KEY_MISSING, and as {@link openEntry} of the first that does not open.
 */
export async function exportKeys(
  folder: ChannelFolder,
  holder: string | undefined,
  ask: AskPassphrase,
): Promise<{ signers: ChannelKey[]; holder: string }> {
  const people = presentKeys(folder, 'targets')
  const person = holder === undefined ? people[0] : people.find((entry) => entry.holder === holder)
  if (person === undefined) {
    throw new SallyportError('KEY_MISSING', {
      side: 'source',
      subject: folder.dir,
      detail: holder === undefined ? 'no key of a person' : `no key of ${holder}`,
    })
  }
  const entries = (['snapshot', 'timestamp'] as const).flatMap((role) => {
    const { threshold } = folder.root.roles[role]
    const present = presentKeys(folder, role)
    if (present.length >= threshold) return present.slice(0, threshold)
    throw new SallyportError('KEY_MISSING', { side: 'source', subject: folder.dir, detail: `no ${role} key` })
  })
  const asked: AskedKey[] = []
  // One after the other: each may be a question to a person.
  for (const entry of [...entries, person]) asked.push(await askFor(folder, entry, ask))
  return { signers: await allAtRest(asked.map(unseal)), holder: person.holder }
}
