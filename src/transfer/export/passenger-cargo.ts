/** What is to ride along on an export: bundles of other channels, proven whole before anything of them is packed. */
import { hash } from 'node:crypto'
import {
  BundleReader,
  fileInput,
  MAX_PASSENGERS,
  openArchive,
  takePassenger,
  type ByteInput,
  type Passenger,
} from '../../bundle/index.ts'
import type { Layout, Source } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { readRoot } from '../../tuf/index.ts'
import { demandPurpose } from '../passage/passenger.ts'
import { passNearDoor } from '../passage/passage.ts'
import { provePayload } from '../passage/payload.ts'
import type { RunOptions } from '../run/run.ts'
import { checkCreated } from '../passage/head-checks.ts'
import type { FindPinned } from '../site/pinned.ts'

/** A bundle file that may ride along. */
export interface CargoPassenger {
  file: string
  passenger: Passenger
  /** SHA-256 over all of its bytes that are not blobs: what another one differs in. */
  sha256: string
}

export interface CargoTerms extends RunOptions {
  /** The sites of the bundle that carries them. */
  audience: readonly string[]
  channel: string
  now: Date
}

/** Judges by the roots that the bundle brings: whoever will have pinned which, the near side can't know. */
async function ownRoots(input: ByteInput): Promise<FindPinned> {
  const { channel, roots } = await new BundleReader(input).head()
  const rootBytes = roots.get(1) ?? Buffer.alloc(0)
  const { purpose } = readRoot(rootBytes, { side: 'bundle', subject: '1.root.json' })
  return () => ({
    channel,
    purpose,
    trusted: { rootBytes, version: 1, counters: { timestamp: 0, snapshot: 0, targets: 0 } },
  })
}

function sha256Of({ head, files }: Passenger): string {
  const bytes = [...head.roots, head.timestamp, head.snapshot, head.targets, ...files.values()]
  return hash('sha256', Buffer.concat(bytes.map((part) => hash('sha256', part, 'buffer'))), 'hex')
}

async function readOne(file: string, { audience, now, ...options }: CargoTerms): Promise<CargoPassenger> {
  const input = fileInput(file)
  try {
    const findPinned = await ownRoots(input)
    input.seek(0)
    const passage = await passNearDoor(input, { ...options, now, site: undefined, findPinned })
    const { head, files, law, verdict } = passage
    checkCreated(passage, now)
    const { channel, purpose } = files.transfer
    demandPurpose({ channel, purpose }, files)
    if (files.transfer.passengers !== undefined)
      throw new SallyportError('PURPOSE_MISMATCH', {
        side: 'bundle',
        subject: channel,
        detail: 'it has passengers itself',
      })
    // At such a site it would be refused, and each import there end as a failure.
    const missing = audience.find((site) => !files.transfer.audience.includes(site))
    if (missing !== undefined)
      throw new SallyportError('AUDIENCE_MISMATCH', {
        side: 'bundle',
        subject: missing,
        detail: `it is for ${files.transfer.audience.join(', ').slice(0, 200)}`,
      })
    await provePayload(input, passage, options)
    const { passenger } = takePassenger({ head, files, id: verdict.id }, law)
    return { file, passenger, sha256: sha256Of(passenger) }
  } catch (fault) {
    if (!(fault instanceof SallyportError) || fault.side !== 'bundle') throw fault
    const { code, subject, remedy } = fault
    throw new SallyportError(code, {
      side: 'source',
      subject: file,
      detail: `${subject}: ${fault.message}`,
      remedy,
      cause: fault,
    })
  } finally {
    await input.close()
  }
}

/**
 * The bundles that ride along, by channel, each proven to its last byte, by its own roots and for every site of the audience.
 * Throws what `verify` would, PURPOSE_MISMATCH for content, AUDIENCE_MISMATCH, LIMIT_EXCEEDED for more than 16, and USAGE
 * for two of one channel.
 */
export async function readCargo(files: readonly string[], terms: CargoTerms): Promise<CargoPassenger[]> {
  if (files.length > MAX_PASSENGERS)
    throw new SallyportError('LIMIT_EXCEEDED', {
      side: 'source',
      subject: '--passenger',
      detail: `over ${MAX_PASSENGERS} passengers`,
    })
  const cargo: CargoPassenger[] = []
  for (const file of files) {
    const one = await readOne(file, terms)
    const { channel } = one.passenger.head
    if (channel === terms.channel || cargo.some(({ passenger }) => passenger.head.channel === channel))
      throw new SallyportError('USAGE', {
        side: 'source',
        subject: file,
        detail: `a second bundle of channel ${channel}`,
      })
    cargo.push(one)
  }
  return cargo.sort((a, b) => (a.passenger.head.channel < b.passenger.head.channel ? -1 : 1))
}

/** Where the blobs of passengers come from, once they are packed; each is proven anew on its way. */
export class PassengerBlobs {
  private readonly holders = new Map<Digest, string>()
  private readonly layouts = new Map<string, Layout>()

  constructor(cargo: readonly CargoPassenger[]) {
    for (const { file, passenger } of cargo)
      for (const { blobs } of passenger.content.artifacts)
        for (const { digest } of blobs) this.holders.set(digest, file)
  }

  /** Opens the files. Duty of the caller: {@link close}. */
  async open(): Promise<void> {
    for (const file of new Set(this.holders.values())) this.layouts.set(file, await openArchive(file))
  }

  sourceOf(digest: Digest): Source | undefined {
    const layout = this.layouts.get(this.holders.get(digest) ?? '')
    const [repository] = layout?.repositories() ?? []
    return repository === undefined ? undefined : layout?.source(repository)
  }

  close(): void {
    for (const layout of this.layouts.values()) layout.close()
  }
}
