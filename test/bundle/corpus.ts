/** The kept corpus, and the judging of one bundle by what `expect.json` says of its judge. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Expectations, Judge, Pin } from '../../bundles/vectors/expect.ts'
import type { ByteInput } from '../../src/bundle/index.ts'
import { SallyportError } from '../../src/errors/index.ts'
import { checkCreated, type PassageOptions } from '../../src/transfer/passage/head-checks.ts'
import { passNearDoor, type Passage } from '../../src/transfer/passage/passage.ts'
import type { Pinned } from '../../src/transfer/site/pinned.ts'
import { provePayload } from '../../src/transfer/passage/payload.ts'

export const BUNDLES = join(import.meta.dirname, '../../bundles')

export function readExpectations(): Expectations {
  return JSON.parse(readFileSync(join(BUNDLES, 'expect.json'), 'utf8')) as Expectations
}

function pinnedBy({ root, channel, purpose, rootVersion: version, before }: Pin): Pinned {
  const rootBytes = readFileSync(join(BUNDLES, root))
  const counters = before?.counters ?? { timestamp: 0, snapshot: 0, targets: 0 }
  const lastId = before === null ? {} : { lastId: before.lastId }
  return { channel, purpose, trusted: { rootBytes, version, counters, ...lastId } }
}

/** The options of a judge that holds in memory what a state would. */
export function judging(judge: Judge): PassageOptions {
  const { site, now } = judge
  const pinned = new Map([judge, ...(judge.also ?? [])].map((pin) => [pin.channel, pinnedBy(pin)]))
  return {
    now: new Date(now),
    site,
    findPinned(name) {
      const found = pinned.get(name)
      if (found === undefined) throw new SallyportError('CHANNEL_NOT_PINNED', { side: 'bundle', subject: name })
      return found
    },
  }
}

/** The passage of a bundle that is proven to its last byte. */
export async function prove(input: ByteInput, options: PassageOptions): Promise<Passage> {
  const passage = await passNearDoor(input, options)
  checkCreated(passage, options.now)
  await provePayload(input, passage, options)
  return passage
}

/** The bytes one by one, in a buffer that is used again, as a pipe may give them. */
export function byteByByte(bytes: Buffer): ByteInput {
  let at = 0
  const one = Buffer.alloc(1)
  return {
    name: 'byte by byte',
    next() {
      const byte = bytes[at++]
      if (byte !== undefined) one[0] = byte
      return Promise.resolve(byte === undefined ? undefined : one)
    },
    close: () => undefined,
  }
}

/** For `assert.rejects`: this code, and a subject that matches. */
export function refusal(code: string, subject = ''): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof SallyportError)) throw error
    const found = `${error.code} ${error.subject ?? ''}`
    if (error.code === code && new RegExp(subject).test(error.subject ?? '')) return true
    throw new Error(`${found} in place of ${code} ${subject}: ${error.message}`, { cause: error })
  }
}
