/** Every bundle of the corpus in every way it can be read: the promise that is kept for ever. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AcceptExpectation, Judge, PassengerExpectation } from '../bundles/vectors/expect.ts'
import { corpusFiles, makeCorpus } from '../bundles/vectors/corpus.ts'
import { fileInput, layOut, memoryInput, promise, type ByteInput } from '../src/bundle/index.ts'
import { encodeBlobHeader } from '../src/bundle/layout.ts'
import { joined, memberParts } from '../src/bundle/member-body.ts'
import { openLayout, type OrderedArtifact } from '../src/content/index.ts'
import { CODES, exitOf, SallyportError } from '../src/errors/index.ts'
import type { Digest } from '../src/oci/index.ts'
import type { Passage } from '../src/transfer/passage/passage.ts'
import { passengerReports, withAccepted, type PassengerReport } from '../src/transfer/passage/passenger-report.ts'
import { BUNDLES, byteByByte, judging, prove, readExpectations, refusal } from './bundle/corpus.ts'
import { CorpusSite } from './bundle/corpus-site.ts'

const { accept, reject } = readExpectations()
const at = (file: string): string => join(BUNDLES, file)

type Open = (file: string) => ByteInput

const whole: Open = (file) => memoryInput([readFileSync(at(file))])
const WAYS: readonly [string, Open][] = [
  ['as a file', (file) => fileInput(at(file))],
  ['as one chunk', whole],
  ['byte by byte', (file) => byteByByte(readFileSync(at(file)))],
]

async function proveFile(file: string, open: Open): Promise<Passage> {
  const input = open(file)
  try {
    return await prove(input, judging(accept[file] ?? reject[file] ?? assert.fail(file)))
  } finally {
    await input.close()
  }
}

/** The bundle, made anew from what was read of it. */
function reencode({ head, files, census, law, payload }: Passage, was: Buffer): Buffer {
  const made = promise(files.transfer, census.repositories, census.content)
  const blobs = new Map(law)
  for (const { descriptor, offset } of payload)
    blobs.set(descriptor.digest, was.subarray(offset, offset + descriptor.size))
  const roots = [...head.roots.values()]
  const layout = layOut({ ...head, roots }, made.files, census.content)
  const tar = Buffer.alloc(layout.size)
  for (const { at, name, body } of layout.ready) joined(memberParts(name, body)).copy(tar, at)
  for (const { descriptor, headerAt, offset } of layout.blobs) {
    encodeBlobHeader(descriptor).copy(tar, headerAt)
    blobs.get(descriptor.digest)?.copy(tar, offset)
  }
  return tar
}

function outcomeOf({ channel, outcome, code }: PassengerReport): PassengerExpectation {
  return { channel, outcome, ...(code === undefined ? {} : { code }) }
}

function checkAccepted(passage: Passage, expect: AcceptExpectation): void {
  const { verdict, files } = passage
  const { sequence, id, rootVersion, repeat, signers, badSignatures } = verdict
  assert.deepEqual(
    { sequence, id, rootVersion, repeat, signers: signers.length, bad: badSignatures.length },
    {
      sequence: expect.sequence,
      id: expect.id,
      rootVersion: expect.rootVersionAfter,
      repeat: expect.repeat,
      signers: expect.signers,
      bad: expect.badSignatures,
    },
  )
  assert.equal(files.transfer.omitted.length, expect.omitted)
  const passengers = passengerReports(passage.passengers)
  assert.deepEqual(passengers.map(outcomeOf), expect.passengers ?? [])
}

/** Blobs of a bundle by digest, without generated indexes and what is not taken of passengers: they are not content. */
function contentOf(passage: Passage, tar: Buffer): Map<Digest, Buffer> {
  const { census, law, payload } = withAccepted(passage)
  const content = new Map(law)
  for (const { descriptor, offset } of payload)
    content.set(descriptor.digest, tar.subarray(offset, offset + descriptor.size))
  const landing = new Set(census.content.artifacts.flatMap(carriedBy))
  for (const digest of content.keys()) if (!landing.has(digest)) content.delete(digest)
  return content
}

function carriedBy({ manifests, companions, blobs }: OrderedArtifact): Digest[] {
  return [...manifests, ...companions, ...Array.from(blobs, ({ digest }) => digest)]
}

async function checkLanded(target: string, expect: AcceptExpectation, content: Map<Digest, Buffer>): Promise<void> {
  if (content.size === 0) {
    assert.equal(existsSync(target), false)
    return
  }
  const layout = await openLayout(target, 'target')
  try {
    for (const [name, digest] of Object.entries(expect.tags)) {
      const colon = name.lastIndexOf(':')
      const found = await layout.source(`local/${name.slice(0, colon)}`).resolve(name.slice(colon + 1))
      assert.equal(found?.digest, digest, name)
    }
  } finally {
    layout.close()
  }
  for (const [digest, bytes] of content) {
    const blob = readFileSync(join(target, 'blobs', ...digest.split(':')))
    assert.ok(blob.equals(bytes), digest)
  }
}

describe('bundles', function () {
  this.timeout(120_000)

  it('holds what make-vectors makes, and nothing else', () => {
    const made = corpusFiles(makeCorpus())
    for (const [file, bytes] of made) assert.ok(readFileSync(at(file)).equals(bytes), `${file}: run make vectors`)
    const kept = ['accept', 'reject', 'roots'].flatMap((folder) =>
      readdirSync(at(folder)).map((name) => `${folder}/${name}`),
    )
    assert.deepEqual(kept.sort(), [...made.keys()].filter((file) => file !== 'expect.json').sort())
    assert.ok([...made.values()].reduce((sum, { length }) => sum + length, 0) < 12 * 1024 * 1024)
    for (const file of Object.keys(accept)) assert.ok((made.get(file)?.length ?? Infinity) <= 256 * 1024, file)
  })

  it('names each rejected bundle by its code, with the exit of the table', () => {
    for (const [file, { code, exit }] of Object.entries(reject)) {
      assert.ok(file.startsWith(`reject/${code}-`), file)
      assert.ok(code in CODES)
      assert.equal(exit, exitOf(new SallyportError(code, { side: 'bundle' })))
    }
  })

  for (const [file, expect] of Object.entries(accept))
    describe(file, () => {
      for (const [way, open] of WAYS)
        it(`accepts it ${way}`, async () => checkAccepted(await proveFile(file, open), expect))

      it('comes out of its own content again, byte for byte', async () => {
        const tar = readFileSync(at(file))
        assert.ok(reencode(await proveFile(file, whole), tar).equals(tar))
      })

      it('is imported whole, and again as a repeat', async () => {
        const site = new CorpusSite(expect)
        try {
          await site.open()
          const target = site.target()
          const first = await site.import(at(file), target)
          assert.equal(first.repeat, false)
          const content = contentOf(await proveFile(file, whole), readFileSync(at(file)))
          await checkLanded(target, expect, content)
          assert.deepEqual(first.passengers.map(outcomeOf), expect.passengers ?? [])
          const second = await site.import(at(file), target)
          assert.deepEqual([second.repeat, second.counts.blobsPushed, second.counts.manifestsPushed], [true, 0, 0])
        } finally {
          site.close()
        }
      })
    })

  for (const [file, { code, subject }] of Object.entries(reject))
    describe(file, () => {
      for (const [way, open] of WAYS)
        it(`refuses it ${way}: ${code}`, () => assert.rejects(proveFile(file, open), refusal(code, subject)))
    })

  // Sites that know the same are one site here: what was refused must have left nothing behind in it.
  const situations = Map.groupBy(
    Object.entries(reject),
    ([, { root, channel, purpose, rootVersion, site, now, before, also }]) =>
      JSON.stringify({ root, channel, purpose, rootVersion, site, now, before, also }),
  )
  for (const [judge, cases] of situations) {
    const known = JSON.parse(judge) as Judge
    describe(`a site that pinned ${known.root}${known.before === null ? '' : ` and holds ${known.before.bundle}`}`, () => {
      const site = new CorpusSite(known)
      before(() => site.open())
      after(() => site.close())

      for (const [file, { code, subject, next }] of cases)
        it(`keeps no trace of ${file}, and takes the next genuine bundle`, async () => {
          const journal = site.journal()
          const target = site.target()
          await assert.rejects(site.import(at(file), target), refusal(code, subject))
          assert.equal(site.journal(), journal)
          assert.equal(existsSync(target), false)
          await site.verify(at(next))
        })

      it('imports the next genuine bundle at last', async () => {
        const next = new Set(cases.map(([, { next }]) => next))
        const bySequence = [...next].sort((a, b) => (accept[a]?.sequence ?? 0) - (accept[b]?.sequence ?? 0))
        for (const file of bySequence) await site.import(at(file), site.target())
      })
    })
  }
})
