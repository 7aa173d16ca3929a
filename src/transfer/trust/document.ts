/** The two JSON documents of trust information: chains, and delegation records with theirs. One spelling for one content. */
import * as z from 'zod'
import { DELEGATION_CAP, type Delegation } from '../../ca/index.ts'
import { isJsonObject, parseJson, shapedList, shapeFault, sortedJson, type Json } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { issuedBy, parseCertificate, type Certificate } from '../../signature/index.ts'
import { readRecord } from '../ca/folder.ts'

/** Signer first. */
export type Chain = readonly [Certificate, ...Certificate[]]

export interface CarriedChain {
  purpose: 'signing' | 'timestamping'
  chain: Chain
}

export interface CarriedDelegation {
  chain: Chain
  delegation: Delegation
}

/** A record that is to travel, as its file has it. */
export interface DelegationFile {
  chain: Chain
  record: Uint8Array
}

// Each costs a signature check or more to whoever only looks at a bundle.
const CHAINS_CAP = 4000
const DELEGATIONS_CAP = 1000
const LENGTH_CAP = 16
/** More than as many chains as are read can have, each as long as one can be. */
const VALUES_CAP = 128 * 1024

const certificates = shapedList(z, z.base64().max(88_000), { max: 2 * CHAINS_CAP })
const fingerprints = shapedList(z, z.string().regex(/^[0-9a-f]{64}$/), { min: 1, max: LENGTH_CAP })
const chainsSchema = z.strictObject({
  format: z.literal('sallyport-chains/1'),
  certificates,
  chains: shapedList(z, z.strictObject({ purpose: z.enum(['signing', 'timestamping']), chain: fingerprints }), {
    min: 1,
  }),
})
const delegationsSchema = z.strictObject({
  format: z.literal('sallyport-delegations/1'),
  certificates,
  delegations: shapedList(z, z.strictObject({ chain: fingerprints, record: z.base64().max(2 * DELEGATION_CAP) }), {
    min: 1,
  }),
})

function malformed(detail: string): SallyportError {
  return new SallyportError('CERTIFICATE_FILE', { side: 'bundle', detail })
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function fingerprintsOf(chain: Chain): string[] {
  return chain.map(({ sha256 }) => sha256)
}

function sorted<T>(items: Iterable<T>, key: (item: T) => string): T[] {
  return [...new Map([...items].map((item) => [key(item), item]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, item]) => item)
}

function encode(document: Json): Buffer {
  return Buffer.from(`${sortedJson(document)}\n`)
}

function tableOf(chains: Iterable<Chain>): string[] {
  const all = [...chains].flat()
  return sorted(all, ({ sha256 }) => sha256).map(({ der }) => base64(der))
}

function refuseMany(what: string, count: number, cap: number): void {
  if (count > cap)
    throw new SallyportError('LIMIT_EXCEEDED', { side: 'source', subject: 'trust', detail: `over ${cap} ${what}` })
}

function chainKey({ purpose, chain }: CarriedChain): string {
  return `${fingerprintsOf(chain).join()} ${purpose}`
}

/** The document of these chains, each once; equal chains in any order give equal bytes. Throws LIMIT_EXCEEDED. */
export function chainsDocument(carried: Iterable<CarriedChain>): Buffer {
  const chains = sorted(carried, chainKey)
  refuseMany('chains', chains.length, CHAINS_CAP)
  return encode({
    format: 'sallyport-chains/1',
    certificates: tableOf(chains.map(({ chain }) => chain)),
    chains: chains.map(({ purpose, chain }) => ({ purpose, chain: fingerprintsOf(chain) })),
  })
}

/** The document of these records, as {@link chainsDocument}. */
export function delegationsDocument(carried: Iterable<DelegationFile>): Buffer {
  const delegations = sorted(carried, ({ chain }) => fingerprintsOf(chain).join())
  refuseMany('delegations', delegations.length, DELEGATIONS_CAP)
  return encode({
    format: 'sallyport-delegations/1',
    certificates: tableOf(delegations.map(({ chain }) => chain)),
    delegations: delegations.map(({ chain, record }) => ({ chain: fingerprintsOf(chain), record: base64(record) })),
  })
}

/** A document in its shape. Throws JSON_MALFORMED, CERTIFICATE_FILE. */
function open<T extends { certificates: string[] }>(
  bytes: Uint8Array,
  schema: z.ZodType<T>,
  entries: string,
  cap: number,
): T {
  const document = parseJson(bytes, 'bundle', entries, VALUES_CAP)
  const listed = isJsonObject(document) ? document[entries] : undefined
  // Counted before anything is looked at: faults are gathered one by one.
  if (Array.isArray(listed) && listed.length > cap) throw malformed(`over ${cap} ${entries}`)
  const parsed = schema.safeParse(document)
  if (parsed.success) return parsed.data
  throw malformed(shapeFault(parsed.error))
}

/** Gives chains out of a table of certificates, each link checked once. */
class Table {
  private readonly held: ReadonlyMap<string, Certificate>
  private readonly links = new Map<string, boolean>()

  constructor(table: readonly string[]) {
    const parsed = table.map((text) => parseCertificate(Buffer.from(text, 'base64')))
    this.held = new Map(parsed.map((certificate) => [certificate.sha256, certificate]))
  }

  chain(wanted: readonly string[]): Chain {
    const [first, ...above] = wanted.map((sha256) => {
      const certificate = this.held.get(sha256)
      if (certificate === undefined) throw malformed(`no certificate ${sha256}`)
      return certificate
    })
    if (first === undefined) throw malformed('an empty chain')
    const chain = [first, ...above] as const
    // Stops a tree that shows a stranger's certificate under somebody's root.
    const broken = above.some((parent, i) => !this.issued(chain[i] ?? first, parent))
    if (broken) throw malformed(`${first.sha256}: not a chain from the certificate upwards`)
    return chain
  }

  private issued(child: Certificate, parent: Certificate): boolean {
    const key = `${child.sha256} ${parent.sha256}`
    const holds = this.links.get(key) ?? issuedBy(child, parent)
    this.links.set(key, holds)
    return holds
  }
}

// Content that no reader looks at could be anything.
function demandCanonical(bytes: Uint8Array, again: Buffer): void {
  if (!again.equals(bytes)) throw malformed('not the one spelling of its content')
}

/** The chains in a document. What they are worth is for a trust policy to say. Throws as `open`, CERTIFICATE_MALFORMED. */
export function readChains(bytes: Uint8Array): CarriedChain[] {
  const document = open(bytes, chainsSchema, 'chains', CHAINS_CAP)
  const table = new Table(document.certificates)
  const chains = document.chains.map(({ purpose, chain }) => ({ purpose, chain: table.chain(chain) }))
  demandCanonical(bytes, chainsDocument(chains))
  return chains
}

/** The delegations in a document, each signed by whoever delegated. Throws as {@link readChains}, CA_MALFORMED. */
export function readDelegations(bytes: Uint8Array): CarriedDelegation[] {
  const document = open(bytes, delegationsSchema, 'delegations', DELEGATIONS_CAP)
  const table = new Table(document.certificates)
  const files = document.delegations.map(({ chain, record }) => ({
    chain: table.chain(chain),
    record: Buffer.from(record, 'base64'),
  }))
  demandCanonical(bytes, delegationsDocument(files))
  return files.map(({ chain, record }) => {
    const from = chain[0].sha256
    return { chain, delegation: readRecord(record, chain, { chain: from, record: from }) }
  })
}
