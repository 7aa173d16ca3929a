import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { memoryInput } from '../../src/bundle/index.ts'
import { parseBundleIndex } from '../../src/bundle/index-json.ts'
import { MemberReader } from '../../src/bundle/member-reader.ts'
import { encodeTransfer, parseTransfer, type Transfer } from '../../src/bundle/transfer.ts'
import { isFault } from '../../src/errors/index.ts'
import { BUNDLES, readExpectations } from './corpus.ts'

async function transferOf(file: string): Promise<Buffer> {
  const reader = new MemberReader(memoryInput([readFileSync(join(BUNDLES, file))]))
  for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
    const bytes = await reader.whole(member)
    if (member.name === 'transfer.json') return bytes
  }
  return assert.fail(file)
}

describe('bundle/transfer', () => {
  const promises: Buffer[] = []
  before(async () => {
    for (const file of Object.keys(readExpectations().accept)) promises.push(await transferOf(file))
  })

  it('writes again what it reads, for every accepted bundle', () => {
    for (const bytes of promises) assert.deepEqual(encodeTransfer(parseTransfer(bytes)), bytes)
  })

  it('takes every text that its schema allows, whatever is in it', () => {
    const [first = assert.fail()] = promises
    const base = parseTransfer(first)
    const text = fc.string({ unit: 'grapheme', maxLength: 60 })
    fc.assert(
      fc.property(text, text, text, fc.nat(), (name, from, to, bytes) => {
        const transfer: Transfer = {
          ...base,
          exporter: { name, version: from },
          map: [{ from, to }],
          counts: { ...base.counts, bytes },
        }
        assert.deepEqual(parseTransfer(encodeTransfer(transfer)), transfer)
      }),
      { seed: 20261124, numRuns: 500 },
    )
  })

  it('reads one spelling only: what it takes, it would write', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...Buffer.from(' 0123az"\\{}[]:,\n\u0000'))), {
      minLength: 1,
      maxLength: 2,
    })
    fc.assert(
      fc.property(fc.nat(), damage, (which, changes) => {
        const bytes = Buffer.from(promises[which % promises.length] ?? assert.fail())
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        try {
          assert.deepEqual(encodeTransfer(parseTransfer(bytes)), bytes)
        } catch (error) {
          const codes = ['TRANSFER_MALFORMED', 'JSON_MALFORMED', 'FORMAT_UNSUPPORTED', 'FEATURE_UNKNOWN'] as const
          assert.ok(isFault(error, ...codes), String(error))
        }
      }),
      { seed: 20261124, numRuns: 3000 },
    )
  })

  it('refuses a document of so many values that they would exhaust memory', function () {
    this.timeout(60_000)
    const many = Buffer.alloc(2 * 16 * 1024 * 1024 + 2, '0,')
    const bytes = Buffer.concat([Buffer.from('{"format":"sallyport/1","manifests":['), many, Buffer.from('0]}\n')])
    for (const parse of [parseTransfer, parseBundleIndex])
      assert.throws(
        () => parse(bytes),
        (error) => isFault(error, 'LIMIT_EXCEEDED'),
      )
  })

  it('refuses a time that there is not, of which readers make another or none', () => {
    for (const bytes of promises)
      for (const name of ['created', 'validUntil'])
        assert.throws(
          () =>
            parseTransfer(
              Buffer.from(
                bytes.toString().replace(new RegExp(`"${name}":"[^"]*"`), `"${name}":"2026-02-30T00:00:00Z"`),
              ),
            ),
          (error) => isFault(error, 'TRANSFER_MALFORMED'),
          name,
        )
  })

  it('refuses every member that is missing, added, or of another type', () => {
    for (const bytes of promises) {
      const document = JSON.parse(bytes.toString()) as Record<string, unknown>
      const text = (changed: object): Buffer => Buffer.from(`${JSON.stringify(changed, Object.keys(changed).sort())}\n`)
      for (const name of Object.keys(document)) {
        const { [name]: _gone, ...rest } = document
        for (const changed of [rest, { ...document, [name]: true }, { ...document, [`${name}x`]: 1 }])
          assert.throws(
            () => parseTransfer(text(changed)),
            (error) => isFault(error, 'TRANSFER_MALFORMED', 'FORMAT_UNSUPPORTED'),
            name,
          )
      }
    }
  })
})
