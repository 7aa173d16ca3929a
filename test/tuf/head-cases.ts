/** What the tables of refused heads have in common. */
import assert from 'node:assert/strict'
import type { JsonObject } from '../../src/codec/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { MARK } from '../../src/tuf/channel.ts'
import { judgeHead, type HeadFiles, type HeadInput } from '../../src/tuf/head.ts'
import { readSlot, targetsSlot, writeSlot } from '../../src/tuf/slot.ts'
import { NOW, forge, judging, makeChannel, roots, type Forgery } from './channel-fixture.ts'

export const channel = makeChannel()
const [a, b, c] = channel.keys.targets
assert.ok(a !== undefined && b !== undefined && c !== undefined)
export const [alice, bob, carol] = [a, b, c]
export const place = { side: 'bundle', subject: 'targets' } as const

export function bundle(forgery: Forgery = {}): HeadFiles {
  return { roots: roots(channel), ...forge(channel, forgery) }
}

export const genuine = bundle()
export const sibling = bundle({ targets: (signed) => (signed['note'] = 'another bundle of the same sequence') })
export const idOf = (files: HeadFiles): string => judgeHead(judging(channel, files)).id

/** The targets slot with other signatures beside the same signed part. */
export function resigned(files: HeadFiles, entries: { keyid: string; sig: string }[]): HeadFiles {
  const { signedBytes } = readSlot(files.targets, 'targets', place)
  return { ...files, targets: writeSlot(signedBytes, entries, targetsSlot(signedBytes.length, 3), place) }
}

const found = readSlot(genuine.targets, 'targets', place).signatures.find(({ keyid }) => keyid === alice.keyid)
assert.ok(found !== undefined)
export const aliceEntry = found

export const set = (name: string, value: unknown) => (signed: JsonObject) => Object.assign(signed, { [name]: value })
export const mark = (value: JsonObject) => set(MARK, { channel: 'vendor-a', sequence: 5, ...value })

export function meta(file: string, value: JsonObject): (signed: JsonObject) => unknown {
  return (signed) => Object.assign((signed['meta'] as Record<string, JsonObject>)[file] ?? {}, value)
}

/** A site at these counters. */
export function counters(
  value: number | { timestamp: number; snapshot: number; targets: number },
  lastId?: () => string,
): Partial<HeadInput> {
  const { trusted } = judging(channel, genuine)
  const all = typeof value === 'number' ? { timestamp: value, snapshot: value, targets: value } : value
  return { trusted: { ...trusted, counters: all, ...(lastId === undefined ? {} : { lastId: lastId() }) } }
}

export type Case = [title: string, code: Code, files: () => HeadFiles, more?: Partial<HeadInput>]

/** Defines a test for each case, which also proves that a refusal leaves nothing behind. */
export function refuses(cases: Case[]): void {
  for (const [title, code, files, more] of cases)
    it(`refuses ${title}: ${code}`, () => {
      const input = judging(channel, files(), more)
      assert.throws(
        () => judgeHead(input),
        (error) => {
          assert.ok(isFault(error, code), String(error))
          return true
        },
      )
      // By the same trusted state the next genuine head is accepted.
      const { sequence } = judgeHead({ ...input, now: NOW, bundle: bundle({ sequence: 7 }) })
      assert.equal(sequence, 7)
    })
}
