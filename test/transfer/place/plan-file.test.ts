import assert from 'node:assert/strict'
import { isFault } from '../../../src/errors/index.ts'
import { parsePlan } from '../../../src/transfer/place/plan-file.ts'

const FULL = `
channel: vendor-a
audience: [site-a, site-b]
map:
  - from: ghcr.io/acme
    to: mirror
artifacts:
  - ref: ghcr.io/acme/app
    tags: ["1.2", latest]
    platforms: [linux/amd64, linux/arm/v7]
    referrers: signatures
  - ref: ghcr.io/acme/base
    tagPattern: "3.*"
  - ref: oci:layout
trust:
  policy: policy/
  delegations: [ca]
`

describe('transfer/place/plan-file', () => {
  it('reads every member, and fills in what is left out', () => {
    assert.deepEqual(parsePlan(FULL, 'plan.yaml'), {
      channel: 'vendor-a',
      audience: ['site-a', 'site-b'],
      map: [{ from: 'ghcr.io/acme', to: 'mirror' }],
      artifacts: [
        {
          ref: 'ghcr.io/acme/app',
          tags: ['1.2', 'latest'],
          platforms: ['linux/amd64', 'linux/arm/v7'],
          referrers: 'signatures',
        },
        { ref: 'ghcr.io/acme/base', tagPattern: '3.*', referrers: 'all' },
        { ref: 'oci:layout', referrers: 'all' },
      ],
      trust: { policy: 'policy/', delegations: ['ca'], chains: true },
    })
    assert.equal(parsePlan('artifacts: [{ref: a}]', 'p').trust, undefined)
    assert.deepEqual(parsePlan('artifacts: [{ref: a}]\ntrust: {}', 'p').trust, { chains: true })
    assert.equal(parsePlan('artifacts: [{ref: a}]', 'p').audience, undefined)
    assert.deepEqual(parsePlan('artifacts: [{ref: a}]\npassengers: [rev.tar]', 'p').passengers, ['rev.tar'])
    const { artifacts, revocation } = parsePlan('revocation: {chains: [a.pem]}', 'p')
    assert.deepEqual(artifacts, [])
    const plain = { accept: [], nextBundle: '7d', allowPrivate: false }
    assert.deepEqual(revocation, { ...plain, chains: ['a.pem'] })
    const asked = parsePlan('artifacts: [{ref: a}]\nrevocation: {from: crls, accept: [b], allowPrivate: true}', 'p')
    assert.deepEqual(asked.revocation, {
      from: 'crls',
      accept: ['b'],
      nextBundle: '7d',
      allowPrivate: true,
      chains: [],
    })
    assert.equal(parsePlan('{"artifacts":[{"ref":"a"}]}', 'p').artifacts.length, 1)
  })

  const FAULTS: Record<string, [plan: string, at: string]> = {
    'nothing at all': ['', '1:1'],
    'a text': ['hello', '1:1'],
    'a list': ['- ref: a', '1:1'],
    'no artifacts': ['channel: a', '1:1'],
    'an empty list of artifacts': ['artifacts: []', '1:12'],
    'an unknown member': ['artifacts: [{ref: a}]\nchanel: x', '2:9'],
    'an unknown member of an artifact': ['artifacts:\n  - ref: a\n    tag: "1"', '3:10'],
    'a reference that is a number': ['artifacts:\n  - ref: 5', '2:10'],
    'an artifact without a reference': ['artifacts:\n  - tags: [a]', '2:5'],
    'a tag that is a number': ['artifacts:\n  - ref: a\n    tags: [1.2]', '3:12'],
    'a tag that is a truth': ['artifacts:\n  - ref: a\n    tags: [true]', '3:12'],
    'a tag that is none': ['artifacts:\n  - ref: a\n    tags: ["ok", "a b"]', '3:18'],
    'an empty list of tags': ['artifacts:\n  - ref: a\n    tags: []', '3:11'],
    'tags and a pattern at once': ['artifacts:\n  - ref: a\n    tags: [a]\n    tagPattern: "*"', '4:17'],
    'a platform that is none': ['artifacts:\n  - ref: a\n    platforms: [linux]', '3:17'],
    'an unknown choice of referrers': ['artifacts:\n  - ref: a\n    referrers: some', '3:16'],
    'a site that is none': ['audience: [a, "b c"]\nartifacts: [{ref: a}]', '1:15'],
    'an empty audience': ['audience: []\nartifacts: [{ref: a}]', '1:11'],
    'a mapping to what is no path': ['map: [{from: a, to: B}]\nartifacts: [{ref: a}]', '1:21'],
    'a mapping without an end': ['map: [{from: a}]\nartifacts: [{ref: a}]', '1:7'],
    'trust that names nothing to carry': ['artifacts: [{ref: a}]\ntrust: {chains: false}', '2:8'],
    'an unknown member of trust': ['artifacts: [{ref: a}]\ntrust: {stores: x}', '2:17'],
    'trust in a folder without a name': ['artifacts: [{ref: a}]\ntrust: {policy: ""}', '2:17'],
    'no folder of delegations': ['artifacts: [{ref: a}]\ntrust: {delegations: []}', '2:22'],
    'an unknown place of lists': ['artifacts: [{ref: a}]\nrevocation: {collect: disk}', '2:23'],
    'lists of a folder that is not named': ['artifacts: [{ref: a}]\nrevocation: {collect: folder}', '2:23'],
    'a folder beside the network': ['artifacts: [{ref: a}]\nrevocation: {collect: network, from: b}', '2:23'],
    'a span without a unit': ['artifacts: [{ref: a}]\nrevocation: {nextBundle: 7}', '2:26'],
    'an unknown member of revocation': ['artifacts: [{ref: a}]\nrevocation: {folder: b}', '2:22'],
    'nothing but revocation without chains': ['revocation: {}', '1:1'],
    'passengers that are no list': ['artifacts: [{ref: a}]\npassengers: rev.tar', '2:13'],
    'an empty list of passengers': ['artifacts: [{ref: a}]\npassengers: []', '2:13'],
    'a passenger that is no text': ['artifacts: [{ref: a}]\npassengers:\n  - rev.tar\n  - 5', '4:5'],
    'more passengers than a bundle has': [`artifacts: [{ref: a}]\npassengers: [${Array(17).fill('r').join()}]`, '2:13'],
    'YAML that breaks off': ['artifacts:\n  - ref: "a', '2:12'],
    'a member twice': ['artifacts: [{ref: a}]\nartifacts: [{ref: b}]', '2:1'],
    'a member as number and as text': ['artifacts: [{ref: a}]\n1: a\n"1": b', '3:1'],
    'a member that is a list': ['artifacts: [{ref: a}]\n? [a]\n: b', '2:3'],
    'two documents': ['artifacts: [{ref: a}]\n---\nartifacts: [{ref: b}]', '2:1'],
    'an unknown YAML tag': ['artifacts: !!js/function [{ref: a}]', '1:12'],
    'a tabulator as indent': ['artifacts:\n\t- ref: a', '2:1'],
  }

  for (const [what, [plan, at]] of Object.entries(FAULTS)) {
    it(`names line and column of ${what}`, () => {
      assert.throws(
        () => parsePlan(plan, 'plan.yaml'),
        (error) => isFault(error, 'PLAN_MALFORMED') && assert.equal(error.subject, `plan.yaml:${at}`) === undefined,
      )
    })
  }

  it('refuses a document that grows without end from few bytes', () => {
    const levels = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 9; i++) {
      const [name, below] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)]
      levels.push(`${name}: &${name} [${Array(9).fill(`*${below}`).join(', ')}]`)
    }
    assert.throws(
      () => parsePlan(levels.join('\n'), 'laughs.yaml'),
      (error) => isFault(error, 'PLAN_MALFORMED') && error.subject === 'laughs.yaml:1:1',
    )
    assert.throws(
      () => parsePlan(`# ${'x'.repeat(4 * 1024 * 1024)}`, 'huge.yaml'),
      (error) => isFault(error, 'PLAN_MALFORMED'),
    )
  })
})
