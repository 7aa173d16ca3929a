/**
 * The denials of a revocation channel on the connected side: `denials.json` in its folder, in the form that travels. They
 * only grow: whoever wants one undone asks the sites.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { placeFile } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { isDigest, type Digest } from '../../oci/index.ts'
import { isReason, readDenials, uniteDenials, writeDenials, type Denial } from '../../revocation/index.ts'
import { parseCertificates } from '../../signature/index.ts'
import { openChannelFolder } from '../channel/folder.ts'
import { ExportLog } from '../channel/export-log.ts'
import { nowOf, timeText, type RunOptions } from '../run/run.ts'
import { readOwn, readSmall, SMALL_FILE_CAP } from '../run/small-file.ts'

const FILE = 'denials.json'

/** What is denied, none without a file. Throws FILE_UNREADABLE, DENIALS_MALFORMED, JSON_MALFORMED, LIMIT_EXCEEDED. */
export function nearDenials(dir: string): Denial[] {
  const file = join(dir, FILE)
  return existsSync(file) ? readDenials(readOwn(file, SMALL_FILE_CAP), 'source') : []
}

export interface DenyOptions extends RunOptions {
  /** The folder of a channel whose purpose is revocation. */
  keys: string
  artifact: string
  /**
   * SHA-256 of the signer's SubjectPublicKeyInfo, perhaps after `sha256:`, or a file with his certificate first: his
   * signatures alone are denied then.
   */
  signer?: string | undefined
  reason: string
  dryRun?: boolean | undefined
}

export interface DenyReport {
  channel: string
  denial: Denial
  /** False when it was denied before, as the denial here says. */
  added: boolean
  /** How many there are in all. */
  denials: number
  dryRun: boolean
}

function usage(subject: string, detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'source', subject, detail })
}

function signerKey(signer: string): string {
  const key = signer.replace(/^sha256:/, '')
  if (/^[0-9a-f]{64}$/.test(key)) return key
  if (!existsSync(signer))
    throw usage(
      '--signer',
      "the SHA-256 of the signer's public key, 64 digits of lower-case hex, or his certificate file",
    )
  const [certificate] = parseCertificates(readSmall(signer), signer)
  if (certificate === undefined) throw usage('--signer', 'the file holds no certificate')
  return certificate.spkiSha256
}

/** The denial that is asked for. Throws USAGE, FILE_UNREADABLE, CERTIFICATE_FILE. */
export function denialOf(
  { artifact, signer, reason }: Pick<DenyOptions, 'artifact' | 'signer' | 'reason'>,
  now: Date,
): Denial {
  if (!isDigest(artifact)) throw usage(artifact.slice(0, 200), 'a digest is sha256: or sha512: and lower-case hex')
  const key = signer === undefined ? undefined : signerKey(signer)
  if (!isReason(reason)) throw usage('--reason', 'one line of 1 to 1000 visible characters')
  return { artifact: artifact as Digest, ...(key === undefined ? {} : { signer: key }), reason, since: timeText(now) }
}

function same(a: Denial, b: Denial): boolean {
  return a.artifact === b.artifact && a.signer === b.signer
}

/**
 * Denies an artifact, or what one key signed of it, in the folder of a revocation channel; `revocation collect` carries it.
 * Throws as {@link denialOf}, PURPOSE_MISMATCH, STATE_LOCKED while another run works with the channel, and as {@link nearDenials}.
 */
export async function denyArtifact(options: DenyOptions): Promise<DenyReport> {
  const now = nowOf(options)
  const denial = denialOf(options, now)
  const { dir, channel, purpose } = openChannelFolder(options.keys)
  if (purpose !== 'revocation')
    throw new SallyportError('PURPOSE_MISMATCH', {
      side: 'source',
      subject: options.keys,
      detail: `${channel} is for ${purpose}, and sites take denials from a revocation channel alone`,
      remedy: 'name the keys of a channel that was made for revocation',
    })
  const dryRun = options.dryRun === true
  // Held while the file is replaced, so that of two that deny at once neither is lost.
  const log = await (dryRun ? ExportLog.read(dir) : ExportLog.open(dir, now))
  try {
    const before = nearDenials(dir)
    const held = before.find((one) => same(one, denial))
    if (held !== undefined) return { channel, denial: held, added: false, denials: before.length, dryRun }
    const all = uniteDenials(before, [denial])
    if (!dryRun) placeFile(join(dir, FILE), writeDenials(all, 'source'), 0o644)
    return { channel, denial, added: true, denials: all.length, dryRun }
  } finally {
    await log.close()
  }
}
