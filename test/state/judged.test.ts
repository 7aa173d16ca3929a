import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeRow } from '../../src/state/journal-row.ts'
import { checkState, State, type Quarantine } from '../../src/state/index.ts'
import { digest, fault, initState, NOW, removeFolders, TARGET } from './folder.ts'
import { seeded } from '../seed.ts'
import { artifact, certificateOf, sha, verdictOf } from './lists.ts'

const write = { write: true, now: NOW }
const read = { write: false, now: NOW }
const CHAIN = ['leaf', 'ca', 'root']

async function knowing(...names: string[]): Promise<State> {
  const state = await initState()
  await state.knowCertificates(names.map((name) => certificateOf(name)))
  return state
}

/** The row of another kind that could never have been written, behind the journal. */
function append(state: State, kind: string, body: object): void {
  const file = join(state.dir, 'journal.jsonl')
  const plain = JSON.parse(JSON.stringify(body)) as Parameters<typeof encodeRow>[0]['body']
  writeFileSync(file, encodeRow({ kind, body: plain }, state.head, '2026-11-24T12:00:00Z').line, { flag: 'a' })
}

describe('state/judged', () => {
  after(removeFolders)

  it('knows a certificate once, and those of an issuer', async () => {
    const state = await knowing('leaf', 'ca')
    const { head } = state
    await state.knowCertificates([certificateOf('leaf'), certificateOf('ca')])
    assert.deepEqual(state.head, head)
    const other = certificateOf('other', { issuer: sha('another ca'), subject: '', ocspUrls: ['http://ocsp.example/'] })
    await state.knowCertificates([certificateOf('leaf'), other, other, certificateOf('second')])
    assert.equal(state.head.n, head.n + 1)
    assert.deepEqual(state.certificate(sha('other')), other)
    assert.equal(state.certificate(sha('nobody')), undefined)
    assert.deepEqual(
      state.certificatesOf(sha('ca')).map(({ subject }) => subject),
      ['CN=leaf', 'CN=ca', 'CN=second'],
    )
    assert.deepEqual(state.issuers(), [sha('ca'), sha('another ca')].sort())
    await assert.rejects(state.knowCertificates([certificateOf('x', { sha256: 'X' })]), TypeError)
    await state.close()
    const reader = await State.open(state.dir, read)
    assert.deepEqual(reader.certificate(sha('other')), other)
  })

  it('gives each certificate one number however many write at once', async () => {
    const chance = seeded('certificates at once')
    const state = await initState()
    const name = (): string => `c${Math.floor(chance() * 50)}`
    await Promise.all(
      Array.from({ length: 300 }, async (_, at) => {
        const names = [name(), name(), name()]
        await state.knowCertificates(names.map((of) => certificateOf(of)))
        await state.recordVerdicts([verdictOf(artifact(at), names)])
      }),
    )
    for (let at = 0; at < 300; at++)
      for (const certificate of (await state.verdictOf(artifact(at)))?.signatures?.[0]?.chain ?? [])
        assert.ok(state.artifactsOf(certificate).some((place) => place.digest === digest(at)))
    await state.close()
    assert.equal((await checkState(state.dir, { now: NOW })).count, 0)
    const reader = await State.open(state.dir, read)
    for (let c = 0; c < 50; c++) assert.deepEqual(reader.artifactsOf(sha(`c${c}`)), state.artifactsOf(sha(`c${c}`)))
  })

  it('knows since which row an artifact that it let in is trusted no more, and whether it is gone', async () => {
    const state = await knowing(...CHAIN)
    const rows = [
      ['a', 'trusted'],
      ['a', 'inconclusive'],
      ['a', 'rejected'],
      ['b', 'rejected'],
      ['c', 'trusted'],
      ['c', 'rejected'],
      ['c', 'trusted'],
      ['d', 'trusted'],
    ] as const
    const at: number[] = []
    for (const [of, verdict] of rows) {
      await state.recordVerdicts([verdictOf(artifact(of), CHAIN, { verdict })])
      at.push(state.head.n)
    }
    await state.recordVerdicts([verdictOf(artifact('d'), [], { verdict: 'rejected', why: 'MANIFEST_MISSING' })])
    const told = (known: State): unknown[] =>
      ['a', 'b', 'c', 'd'].flatMap((of) =>
        known.artifactsWith(digest(of)).map(({ verdict, fell, absent }) => [verdict, fell, absent]),
      )
    const wanted = [
      ['rejected', at[1], undefined],
      ['rejected', undefined, undefined],
      ['trusted', undefined, undefined],
      ['rejected', state.head.n, true],
    ]
    assert.deepEqual(told(state), wanted)
    await state.close()
    assert.deepEqual(told(await State.open(state.dir, read)), wanted)
  })

  it('finds the artifacts of a certificate in their places, in any chain of any signature', async () => {
    const state = await knowing(...CHAIN, 'leaf2', 'tsa', 'refused')
    const timestamped = {
      manifest: digest('s'),
      algorithm: 'PS256',
      statement: 'vendors',
      chain: [sha('leaf2'), sha('root')],
      timestampChain: [sha('tsa'), sha('root')],
    }
    const refused = [{ manifest: digest('r'), code: 'CERTIFICATE_REVOKED', chain: [sha('refused'), sha('root')] }]
    await state.recordVerdicts([
      verdictOf(artifact(1), CHAIN),
      verdictOf(artifact(1, 'mirror/copy'), CHAIN),
      verdictOf(artifact(2), [], { signatures: [timestamped], refused }),
      verdictOf(artifact(3), [], {
        signatures: undefined,
        verdict: 'rejected',
        why: 'SIGNATURE_MISSING',
        policy: undefined,
      }),
    ])
    const found = (name: string): unknown => state.artifactsOf(sha(name)).map(({ path, digest: of }) => `${path} ${of}`)
    const [one, copy, two] = [
      `mirror/vendor/app ${digest(1)}`,
      `mirror/copy ${digest(1)}`,
      `mirror/vendor/app ${digest(2)}`,
    ]
    assert.deepEqual(found('leaf'), [one, copy])
    assert.deepEqual(found('root'), [one, copy, two])
    for (const name of ['leaf2', 'tsa', 'refused']) assert.deepEqual(found(name), [two])
    assert.deepEqual(found('nobody'), [])
    assert.deepEqual(state.artifactsWith(digest(1)), [
      { ...artifact(1), verdict: 'trusted', policy: digest('policy'), n: 4 },
      { ...artifact(1, 'mirror/copy'), verdict: 'trusted', policy: digest('policy'), n: 5 },
    ])
    assert.deepEqual(state.artifactsWith(digest(3)), [{ ...artifact(3), verdict: 'rejected', n: 7 }])
    assert.deepEqual(state.artifactsWith(digest(4)), [])
    assert.equal([...state.judgedArtifacts()].length, 4)
    const recorded = await state.verdictOf(artifact(2))
    assert.deepEqual(recorded, {
      ...verdictOf(artifact(2), [], { signatures: [timestamped], refused }),
      n: 6,
      time: '2026-11-24T12:00:00Z',
    })
    assert.equal(await state.verdictOf(artifact(2, 'mirror/copy')), undefined)
    await state.close()
    const reader = await State.open(state.dir, read)
    assert.deepEqual(await reader.verdictOf(artifact(2)), recorded)
    assert.deepEqual([...reader.judgedArtifacts()], [...state.judgedArtifacts()])
  })

  it('tells which signatures the newest verdict of a place trusts, and by which statement', async () => {
    const state = await knowing(...CHAIN, 'leaf2', 'tsa')
    const [signature] = verdictOf(artifact(1), CHAIN).signatures ?? []
    assert.ok(signature)
    const second = { ...signature, statement: 'others', chain: ['leaf2', 'ca'].map(sha), timestampChain: [sha('tsa')] }
    await state.recordVerdicts([
      verdictOf(artifact(1), ['leaf2']),
      verdictOf(artifact(2), [], { signatures: [] }),
      verdictOf(artifact(1), [], { signatures: [signature, second] }),
    ])
    const wanted = [
      { statement: 'vendors', chain: CHAIN.map(sha) },
      { statement: 'others', chain: ['leaf2', 'ca'].map(sha), timestampChain: [sha('tsa')] },
    ]
    assert.deepEqual(state.trustedSignatures(artifact(1)), wanted)
    for (const none of [artifact(2), artifact(3)]) assert.deepEqual(state.trustedSignatures(none), [])
    await state.close()
    const reader = await State.open(state.dir, read)
    assert.deepEqual(reader.trustedSignatures(artifact(1)), wanted)
  })

  it('takes the newest verdict of a place, and forgets no certificate of an older one', async () => {
    const state = await knowing(...CHAIN, 'leaf2')
    await state.recordVerdicts([verdictOf(artifact(1), CHAIN), verdictOf(artifact(2), CHAIN)])
    await state.recordVerdicts([
      verdictOf(artifact(1), ['leaf2', 'ca'], { verdict: 'inconclusive', why: 'LIST_STALE' }),
    ])
    const [place] = state.artifactsWith(digest(1))
    assert.deepEqual([place?.verdict, place?.n], ['inconclusive', 6])
    assert.deepEqual(state.artifactsOf(sha('leaf')), [place, ...state.artifactsWith(digest(2))])
    assert.deepEqual(state.artifactsOf(sha('leaf2')), [place])
    assert.equal(state.artifactsOf(sha('ca')).length, 2, 'an artifact stands once, however often it is judged')
    assert.equal((await state.verdictOf(artifact(1)))?.why, 'LIST_STALE')
    await state.close()
  })

  it('refuses a verdict whose certificates it does not know, and writes nothing', async () => {
    const state = await knowing('leaf')
    const { head } = state
    await assert.rejects(
      state.recordVerdicts([verdictOf(artifact(1), ['leaf']), verdictOf(artifact(2), CHAIN)]),
      TypeError,
    )
    await assert.rejects(state.recordVerdicts([verdictOf(artifact(1), [], { path: undefined })]), TypeError)
    assert.deepEqual(state.head, head)
    // One without a place is written as before there were places.
    await state.recordVerdicts([verdictOf(artifact(1), CHAIN, { target: undefined, path: undefined })])
    assert.deepEqual(state.artifactsOf(sha('leaf')), [])
    await state.close()
  })

  it('reads a verdict from the journal again, and says when it is not there any more', async () => {
    const state = await knowing('leaf')
    await state.recordVerdicts([verdictOf(artifact(1), ['leaf']), verdictOf(artifact(2), ['leaf'])])
    const reader = await State.open(state.dir, read)
    const file = join(state.dir, 'journal.jsonl')
    const bytes = readFileSync(file)
    const flipped = Buffer.from(bytes)
    flipped[flipped.lastIndexOf('vendors')] = 0x56
    writeFileSync(file, flipped)
    for (const opened of [state, reader]) {
      assert.equal((await opened.verdictOf(artifact(1)))?.n, 4)
      await assert.rejects(opened.verdictOf(artifact(2)), fault('JOURNAL_BROKEN', /row 5/))
    }
    const lines = bytes.toString().split('\n')
    assert.equal(lines[3]?.length, lines[4]?.length)
    writeFileSync(file, lines.with(4, lines[3] ?? '').join('\n'))
    await assert.rejects(reader.verdictOf(artifact(2)), fault('JOURNAL_BROKEN', /another row/))
    writeFileSync(file, bytes.subarray(0, -10))
    await assert.rejects(reader.verdictOf(artifact(2)), fault('JOURNAL_BROKEN', /row 5/))
    rmSync(file)
    await assert.rejects(reader.verdictOf(artifact(2)), fault('STATE_EMPTY'))
    await state.close()
  })

  it('keeps the newest measure against an artifact until it is released', async () => {
    const state = await initState()
    const measure: Quarantine = {
      ...artifact(1),
      measure: 'remove',
      outcome: 'failed',
      detail: 'refused',
      tags: ['v1'],
    }
    await state.recordQuarantine(measure)
    const done: Quarantine = { ...measure, outcome: 'done', detail: 'gone', at: `quarantine@${digest(1)}` }
    await state.recordQuarantine(done)
    await state.recordQuarantine({ ...done, path: 'mirror/copy', tags: [] })
    const time = '2026-11-24T12:00:00Z'
    const quarantined = [
      { ...done, n: 4, time },
      { ...done, path: 'mirror/copy', tags: [], n: 5, time },
    ]
    assert.deepEqual(state.quarantined(), quarantined)
    const release = { reason: 'a false alarm', by: ['anna'] }
    for (const unknown of [artifact(2), artifact(1, 'mirror/x'), artifact(1, 'mirror/vendor/app', 'oci:/x')])
      await assert.rejects(state.recordRelease({ ...unknown, ...release }), fault('QUARANTINE_UNKNOWN'))
    await assert.rejects(state.recordRelease({ ...artifact(1), ...release, by: [] }), TypeError)
    await state.recordRelease({ ...artifact(1), ...release })
    assert.deepEqual(state.quarantined(), quarantined.slice(1))
    await assert.rejects(state.recordRelease({ ...artifact(1), ...release }), fault('QUARANTINE_UNKNOWN'))
    await state.close()
    rmSync(join(state.dir, 'index'), { recursive: true })
    const again = await State.open(state.dir, write)
    assert.deepEqual(again.quarantined(), quarantined.slice(1))
    await again.recordQuarantine(measure)
    assert.equal(again.quarantined().length, 2)
    await again.close()
  })

  it('refuses rows with good hashes that no rule would have let in', async () => {
    const state = await knowing('leaf')
    await state.close()
    const file = join(state.dir, 'journal.jsonl')
    const bytes = readFileSync(file)
    const { signatures: _signatures, ...verdict } = verdictOf(artifact(1), [])
    const signature = { manifest: digest('s'), algorithm: 'PS256', statement: 'x' }
    const place = { target: TARGET, path: 'x', digest: digest(1) }
    const bad: [string, object][] = [
      ['certificates', { first: 1, certificates: [certificateOf('x')] }],
      ['certificates', { first: 3, certificates: [certificateOf('x')] }],
      ['certificates', { first: 2, certificates: [certificateOf('leaf')] }],
      ['certificates', { first: 2, certificates: [certificateOf('x'), certificateOf('x')] }],
      ['certificates', { first: 2, certificates: [{ ...certificateOf('x'), spki: 'k' }] }],
      ['certificates', { first: 2, certificates: [{ ...certificateOf('x'), crlUrls: 'http://x' }] }],
      ['verdict', { ...verdict, signatures: [{ ...signature, chain: [2] }] }],
      ['verdict', { ...verdict, signatures: [{ ...signature, chain: [0] }] }],
      ['verdict', { ...verdict, signatures: [{ ...signature, chain: [sha('leaf')] }] }],
      ['verdict', { ...verdict, signatures: [{ ...signature, chain: [1], timestampChain: [9] }] }],
      ['verdict', { ...verdict, refused: [{ ...signature, chain: [9] }] }],
      ['verdict', { ...verdict, verdict: 'fine' }],
      ['verdict', { ...verdict, target: undefined }],
      ['quarantine', { ...place, measure: 'burn', outcome: 'done', detail: 'x', tags: [] }],
      ['quarantine', { ...place, measure: 'retag', outcome: 'done', detail: 'x' }],
      ['release', { ...place, reason: 'x', by: ['anna'] }],
      ['rejudged', { through: 4 }],
      ['expect', { channel: 'nobody', every: 1 }],
      ['confine', { channel: 'nobody', into: ['a'] }],
    ]
    for (const [kind, body] of bad) {
      writeFileSync(file, bytes)
      append(state, kind, body)
      for (const options of [write, read])
        await assert.rejects(
          State.open(state.dir, options),
          fault('JOURNAL_BROKEN', /row 4/),
          `${kind} ${JSON.stringify(body)}`,
        )
    }
    writeFileSync(file, bytes)
    append(state, 'verdict', { ...verdict, signatures: [{ ...signature, chain: [1, 1] }] })
    const good = await State.open(state.dir, read)
    assert.equal(good.artifactsOf(sha('leaf')).length, 1)
  })
})
